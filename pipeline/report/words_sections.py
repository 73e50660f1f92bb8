"""The words of the report's sections, in English and Vietnamese."""

from __future__ import annotations

SECTIONS: dict[str, tuple[str, str]] = {
    "flow": ("What happened to the records", "Đường đi của các bản ghi"),
    "stage": ("Stage", "Bước"),
    "reasons": ("Why records were set aside", "Vì sao có bản ghi bị để riêng"),
    "no_reasons": ("Nothing was set aside.", "Không có bản ghi nào bị để riêng."),
    "more": ("{n} more are not shown.", "Còn {n} mục nữa không hiện ở đây."),
    "source": ("Source", "Nguồn"),
    "place": ("Place", "Vị trí"),
    "value": ("Measured", "Đo được"),
    "threshold": ("Allowed", "Cho phép"),
    "merged_into": ("Merged into", "Gộp vào"),
    "lengths": ("Lengths", "Độ dài"),
    "lengths_chart": (
        "Histogram of tokens per record; limit {cap}",
        "Biểu đồ số token mỗi bản ghi; giới hạn {cap}",
    ),
    "cap": ("limit", "giới hạn"),
    "no_limit": ("none", "không có"),
    "measure": ("Measure", "Đại lượng"),
    "line_bytes": ("Line bytes", "Số byte mỗi dòng"),
    "turns": ("Turns", "Số lượt"),
    "limits": ("The model's limits", "Giới hạn của mô hình"),
    "limit": ("Limit", "Giới hạn"),
    "allowed": ("Allowed", "Cho phép"),
    "seen": ("This data", "Dữ liệu này"),
    "confidence": ("Evidence", "Căn cứ"),
    "met": ("✓ met", "✓ đạt"),
    "broken": ("✗ broken", "✗ không đạt"),
    "recommended": ("△ fewer than recommended", "△ ít hơn khuyến nghị"),
    "sources": ("Sources", "Nguồn dữ liệu"),
    "duplicates": ("Duplicates", "Bản trùng lặp"),
    "duplicates_lead": (
        "{records} duplicates were merged into {groups} records. The largest groups:",
        "{records} bản ghi được gộp vào {groups} bản. Các nhóm lớn nhất:",
    ),
    "no_duplicates": ("No duplicates were found.", "Không thấy bản trùng lặp nào."),
    "contradictions": ("Contradictions", "Mâu thuẫn"),
    "contradictions_lead": (
        (
            "{groups} prompts have conflicting answers: {records} records disagree with the first "
            "answer. Someone must decide which is right. Those with the most answers:"
        ),
        (
            "Với {groups} câu hỏi có {records} câu trả lời khác câu đầu tiên. Cần có người quyết "
            "định câu nào đúng. Những câu hỏi có nhiều câu trả lời nhất:"
        ),
    ),
    "no_contradictions": (
        "No stage found a prompt with several answers.",
        "Không bước nào thấy câu hỏi có nhiều câu trả lời.",
    ),
    "nearest": ("Kept, and nearest to the threshold", "Được giữ và gần ngưỡng nhất"),
    "stands": ("The record they were merged into", "Bản đại diện"),
    "copies": ("Merged", "Đã gộp"),
    "gate": ("Quality gate", "Cổng chất lượng"),
    "gate_about": (
        (
            "It checked numbers derived from each record (lengths, counts and flags), not "
            "the texts. The suite is kept as suite.json."
        ),
        (
            "Nó xét các số liệu rút ra từ mỗi bản ghi (độ dài, số đếm và cờ), không xét văn bản. "
            "Bộ kiểm được giữ trong suite.json."
        ),
    ),
    "no_data_docs": (
        (
            "Great Expectations' Data Docs are not written, because they load styles and scripts "
            "from other servers when opened. All of their results are in this table."
        ),
        (
            "Không ghi Data Docs của Great Expectations: khi mở, chúng tải kiểu và mã lệnh từ nơi "
            "khác. Mọi kết quả của chúng nằm trong bảng này."
        ),
    ),
    "own_check": ("an expectation of the recipe", "một kỳ vọng trong công thức"),
    "warned": ("△ warning only", "△ chỉ cảnh báo"),
    "gate_passed": ("Passed", "Đạt"),
    "gate_failed": ("Failed", "Không đạt"),
    "of": ("{n} of {all} checks", "{n} trên {all} phép kiểm"),
    "gate_none": ("No quality gate was run.", "Không chạy cổng chất lượng."),
    "check": ("Check", "Phép kiểm"),
    "target": ("Target", "Đích"),
    "all_targets": ("all targets", "mọi đích"),
    "bounds": ("Bounds", "Khoảng cho phép"),
    "any_value": ("any value", "có giá trị"),
    "observed": ("Observed", "Quan sát được"),
    "unexpected": ("{n} of {all} records fail", "{n} trên {all} bản ghi không đạt"),
    "failing": ("Where it fails", "Chỗ không đạt"),
    "split": ("Split", "Phân chia"),
    "train": ("train", "huấn luyện"),
    "validation": ("validation", "kiểm định"),
    "test": ("test", "kiểm thử"),
    "provenance": ("What the run was made from", "Nguồn gốc"),
    "files": ("Input files", "Tệp đầu vào"),
    "version": ("Made with", "Tạo bởi"),
    "readers": ("Readers", "Bộ đọc"),
    "libraries": ("Libraries", "Thư viện"),
    "largest_inputs": ("The largest input files", "Các tệp đầu vào lớn nhất"),
    "bytes": ("Bytes", "Số byte"),
    "recipe": ("The recipe", "Công thức"),
    "lifecycle": ("life cycle", "vòng đời"),
    "card_date": ("model card of {date}", "thẻ mô hình ngày {date}"),
    "kept_note": (
        "records and chunks passed on to the targets",
        "bản ghi và mảnh, đi tiếp tới các đích",
    ),
    "left": ("Left", "Còn lại"),
    "other_reasons": ("{n} other reasons", "{n} lý do khác"),
    "at_a_glance": ("What was lost, and why", "Mất gì, và vì sao"),
    "flow_lead": (
        (
            "Every loss by stage and reason. Each table balances: what came in minus all losses is "
            "what is left, and the shares sum to 100 %."
        ),
        (
            "Mọi mất mát theo bước và lý do. Mỗi bảng đều khớp: đầu vào trừ mọi mất mát bằng phần "
            "còn lại, và các tỷ lệ cộng đúng 100 %."
        ),
    ),
    "flow_chart": ("Waterfall", "Biểu đồ thác"),
    "stages": ("Stage by stage", "Từng bước"),
    "stages_lead": (
        "Each row adds up: came in = kept + rejected + merged + divided.",
        "Mỗi dòng đều khớp: đầu vào = giữ lại + loại bỏ + gộp lại + chia nhỏ.",
    ),
    "reason": ("Reason", "Lý do"),
    "meaning": ("Meaning", "Ý nghĩa"),
    "example": ("For example", "Ví dụ"),
    "excerpt": ("Text", "Văn bản"),
    "reasons_lead": (
        (
            "Up to five records for each reason, those nearest to the threshold first; all records "
            "are listed in rejected.parquet."
        ),
        (
            "Mỗi lý do nêu tối đa năm bản ghi, gần ngưỡng nhất trước; toàn bộ nằm trong "
            "rejected.parquet."
        ),
    ),
    "hostile": ("What could not be read", "Những gì không đọc được"),
    "hostile_lead": (
        "Files and lines that no reader could open. None of them stopped the run.",
        "Các tệp và dòng không bộ đọc nào mở được. Không tệp nào làm dừng lần chạy.",
    ),
    "no_hostile": ("Everything could be read.", "Mọi thứ đều đọc được."),
    "near": ("Only just kept", "Vừa đủ được giữ"),
    "near_lead": (
        "The records with the most tokens that a target's limit still lets through.",
        "Các bản ghi nhiều token nhất mà giới hạn của đích vẫn cho qua.",
    ),
    "near_target": ("The limit is {cap} tokens.", "Giới hạn là {cap} token."),
    "no_near": ("No target has a limit on tokens.", "Không đích nào giới hạn số token."),
    "lengths_lead": (
        "Tokens per record, as an upper bound; the bins are the same in every report.",
        "Số token của mỗi bản ghi, ước lượng từ phía trên; các khoảng cố định giữa các báo cáo.",
    ),
    "turns_chart": ("Histogram of turns per record", "Biểu đồ số lượt mỗi bản ghi"),
    "histogram": ("histogram", "biểu đồ phân bố"),
    "bins": ("The chart's numbers", "Số liệu của biểu đồ"),
    "min": ("at least", "tối thiểu"),
    "max": ("at most", "tối đa"),
    "held": ("Result", "Kết quả"),
    "not_measured": ("not measured", "không đo"),
    "sources_lead": (
        "The largest {listed} of {total}, by records; chunks count as records.",
        "{listed} nguồn lớn nhất trên tổng số {total}, theo số bản ghi; mỗi mảnh là một bản ghi.",
    ),
    "scores": ("Quality scores", "Điểm chất lượng"),
    "scores_lead": (
        (
            "What stages measured on every record; the recipe's thresholds are drawn as lines. "
            "The outermost bars include all values beyond them."
        ),
        (
            "Những gì các bước đo ở mỗi bản ghi; mức công thức cho phép được vẽ thành đường. Cột "
            "ngoài cùng gồm cả phần nằm xa hơn."
        ),
    ),
    "no_scores": (
        "No stage of this recipe measures the records.",
        "Không bước nào của công thức này đo các bản ghi.",
    ),
    "changes": ("What was changed", "Những gì đã thay đổi"),
    "changes_lead": (
        "How often stages changed a text, by kind, with a few texts before and after.",
        "Số lần các bước sửa văn bản, theo loại, kèm vài văn bản trước và sau.",
    ),
    "no_changes": ("No stage reported a change.", "Không bước nào báo có thay đổi."),
    "no_samples": ("No samples are shown.", "Không có mẫu nào được hiển thị."),
    "before": ("Before", "Trước"),
    "after": ("After", "Sau"),
    "side_by_side": ("Two texts side by side", "Hai văn bản cạnh nhau"),
    "same": ("the same words", "cùng các từ"),
    "images": ("Pictures", "Hình ảnh"),
    "images_lead": (
        "{n} records with a picture were kept. Some of the pictures, as thumbnails:",
        "{n} bản ghi có hình được giữ. Một số hình thu nhỏ:",
    ),
    "no_images": ("No record has a picture.", "Không bản ghi nào có hình."),
    "aside": ("Set aside", "Để riêng"),
    "split_good": (
        "no document is in two splits ({documents} checked)",
        "không tài liệu nào nằm ở hai phần (đã xét {documents})",
    ),
    "split_bad": (
        "{torn} of {documents} documents are in two splits",
        "{torn} trên {documents} tài liệu nằm ở hai phần",
    ),
    "most_tokens": ("longest record: {n} of {cap} tokens", "dài nhất {n} trên {cap} token"),
    "most_records": ("{n} of {cap} records", "{n} trên {cap} bản ghi"),
    "limits_short": ("Limits", "Giới hạn"),
    "counted": ("{n} of {all} records", "{n} trên {all} bản ghi"),
    "not_allowed": ("{seen}, not {allowed}", "{seen}, không phải {allowed}"),
    "skip": ("Skip to the details", "Đến phần chi tiết"),
    "footer_masked": (
        (
            "This page contains excerpts of texts; e-mail addresses, phone numbers and the like "
            "are masked in them. It loads nothing and runs no script."
        ),
        (
            "Trang này có trích đoạn văn bản; địa chỉ e-mail, số điện thoại và tương tự đã được "
            "che. Trang không tải gì và không chạy mã lệnh."
        ),
    ),
    "footer_plain": (
        (
            "This page contains excerpts of texts, unmasked because the recipe says so. It loads "
            "nothing and runs no script."
        ),
        (
            "Trang này có trích đoạn văn bản, không che theo yêu cầu của công thức. Trang không "
            "tải gì và không chạy mã lệnh."
        ),
    ),
    "footer_none": (
        "This page contains no document text. It loads nothing and runs no script.",
        "Trang này không chứa nội dung tài liệu, không tải gì và không chạy mã lệnh.",
    ),
    "contents": ("Contents", "Mục lục"),
}
