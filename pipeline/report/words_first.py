"""The words of the report's first screen, in English and Vietnamese."""

from __future__ import annotations

FIRST: dict[str, tuple[str, str]] = {
    "title": ("Data-quality report", "Báo cáo chất lượng dữ liệu"),
    "run": ("Digest of the run", "Mã băm của lần chạy"),
    "not_ready": ("Not ready", "Chưa sẵn sàng"),
    "ready_short": ("Ready", "Sẵn sàng"),
    "losses": ("Expressed differently in this format", "Được diễn đạt khác đi trong định dạng này"),
    "closed_short": ("Data ready, model closed", "Dữ liệu sẵn sàng, mô hình đã đóng"),
    "closed": (
        "Bedrock accepts no new jobs for {models}",
        "Bedrock không nhận công việc mới cho {models}",
    ),
    "all_ready": ("All targets are ready to submit", "Mọi đích đều sẵn sàng gửi đi"),
    "none_ready": ("No target is ready to submit", "Chưa đích nào sẵn sàng"),
    "some_ready": (
        "{ready} of {all} targets are ready to submit",
        "{ready} trên {all} đích đã sẵn sàng gửi đi",
    ),
    "targets": ("Targets", "Các đích"),
    "came": ("Came in", "Đầu vào"),
    "kept": ("Kept", "Giữ lại"),
    "rejected": ("Rejected", "Loại bỏ"),
    "merged": ("Merged", "Gộp lại"),
    "divided": ("Divided", "Chia nhỏ"),
    "chunks": ("Chunks", "Mảnh"),
    "came_note": ("records read", "bản ghi đã đọc"),
    "rejected_note": ("set aside, with a reason", "để riêng, có lý do"),
    "merged_note": ("duplicates, each merged into another record", "trùng với bản ghi được giữ"),
    "divided_note": ("records that were split into chunks", "bản ghi đã thành mảnh"),
    "chunks_note": ("that these records became", "từ các bản ghi đó"),
    "became": (
        "{divided} records became {chunks} chunks",
        "{divided} bản ghi thành {chunks} mảnh",
    ),
    "records": ("Records", "Bản ghi"),
    "tokens": ("Tokens", "Token"),
    "tokens_note": ("upper bound of the estimate", "cận trên của ước lượng"),
    "cost": ("Training cost", "Chi phí huấn luyện"),
    "no_price": ("price not known", "chưa biết giá"),
    "no_card": ("no model named", "không nêu mô hình"),
    "price_note": (
        "at {price} {item} ({date}, {confidence})",
        "với giá {price} {item} ({date}, {confidence})",
    ),
    "usd": ("${amount}", "{amount} USD"),
    "no_date": ("undated", "không rõ ngày"),
    "per_train_per_1k_tokens": ("per 1,000 tokens", "mỗi 1.000 token"),
    "per_train_per_image": ("per image", "mỗi ảnh"),
    "per_train_hour": ("per hour", "mỗi giờ"),
    "languages": ("Languages", "Ngôn ngữ"),
    "languages_lead": (
        "Counted over the records that at least one target kept.",
        "Tính trên các bản ghi mà ít nhất một đích giữ lại.",
    ),
    "language": ("Language", "Ngôn ngữ"),
    "others": ("others", "khác"),
    "share": ("Share", "Tỷ lệ"),
    "undetermined": ("not determined", "chưa xác định"),
    "drift": ("Since the last run", "So với lần trước"),
    "first_run": (
        "the first run, or no previous run to compare with",
        "lần đầu, hoặc không xét lần trước",
    ),
    "no_drift": (
        (
            "There is nothing to compare with: this is the first run, or the recipe has no "
            "`gate.drift`. `bedrock-prep diff` compares any two runs."
        ),
        (
            "Không có gì để so sánh: đây là lần chạy đầu, hoặc công thức không có `gate.drift`. "
            "`bedrock-prep diff` so sánh hai lần chạy bất kỳ."
        ),
    ),
    "drift_lead": (
        (
            "Lengths and languages by the population stability index (PSI): below 0.1 they are the "
            "same, above 0.25 they differ clearly. The other figures are changes in shares."
        ),
        (
            "Độ dài và ngôn ngữ theo chỉ số ổn định (PSI): dưới 0,1 là như cũ, trên 0,25 là đã "
            "khác. Các số còn lại là thay đổi của tỷ lệ."
        ),
    ),
    "stable": ("the same", "như cũ"),
    "moved": ("moved", "đã dịch"),
    "shifted": ("clearly different", "đã khác"),
    "drift_before": ("Previous run", "Lần chạy trước"),
    "drift_rejected": ("Share rejected", "Tỷ lệ bị loại"),
    "drift_merged": ("Share merged", "Tỷ lệ được gộp"),
    "drift_sources_removed": ("Share of sources removed", "Tỷ lệ nguồn bị bỏ"),
    "records_before": ("Records before", "Bản ghi trước"),
    "records_after": ("Records now", "Bản ghi nay"),
}
