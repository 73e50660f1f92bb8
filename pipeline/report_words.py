"""The report's own words in English and Vietnamese, and its way of writing numbers."""

from __future__ import annotations

from typing import Any

LANGUAGES = ("en", "vi")

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Data-quality report", "Báo cáo chất lượng dữ liệu"),
    "run": ("Run", "Lần chạy"),
    "not_ready": ("Not ready", "Chưa sẵn sàng"),
    "ready_short": ("Ready", "Sẵn sàng"),
    "losses": ("Said otherwise in this format", "Được diễn đạt khác đi trong định dạng này"),
    "closed_short": ("Data ready, model closed", "Dữ liệu sẵn sàng, mô hình đã đóng"),
    "closed": (
        "Bedrock takes no new jobs for {models}",
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
    "kept_note": ("records and chunks, on to the targets", "bản ghi và mảnh, đi tiếp tới các đích"),
    "rejected_note": ("set aside, with a reason", "để riêng, có lý do"),
    "merged_note": ("duplicates that a kept record stands for", "trùng với bản ghi được giữ"),
    "divided_note": (
        "{divided} records became {chunks} chunks",
        "{divided} bản ghi thành {chunks} mảnh",
    ),
    "records": ("Records", "Bản ghi"),
    "tokens": ("Tokens", "Token"),
    "tokens_note": ("upper bound of the estimate", "cận trên của ước lượng"),
    "cost": ("Training cost", "Chi phí huấn luyện"),
    "no_price": ("no price known", "chưa biết giá"),
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
        "Of the records that at least one target kept.",
        "Tính trên các bản ghi mà ít nhất một đích giữ lại.",
    ),
    "language": ("Language", "Ngôn ngữ"),
    "others": ("others", "khác"),
    "share": ("Share", "Tỷ lệ"),
    "flow": ("What became of the records", "Đường đi của các bản ghi"),
    "flow_lead": (
        "Each row adds up: came in = kept + rejected + merged + divided.",
        "Mỗi dòng đều khớp: đầu vào = giữ lại + loại bỏ + gộp lại + chia nhỏ.",
    ),
    "flow_chart": (
        "Records by stage: kept, rejected, merged and divided",
        "Bản ghi theo từng bước: giữ lại, loại bỏ, gộp lại và chia nhỏ",
    ),
    "stage": ("Stage", "Bước"),
    "reasons": ("Why records were set aside", "Vì sao có bản ghi bị để riêng"),
    "reasons_lead": (
        "Up to five places each; all of them are in rejected.parquet.",
        "Mỗi lý do nêu tối đa năm chỗ; toàn bộ nằm trong rejected.parquet.",
    ),
    "no_reasons": ("Nothing was set aside.", "Không có bản ghi nào bị để riêng."),
    "more": ("{n} more are not shown.", "Còn {n} mục nữa không hiện ở đây."),
    "source": ("Source", "Nguồn"),
    "place": ("Place", "Vị trí"),
    "value": ("Measured", "Đo được"),
    "threshold": ("Allowed", "Cho phép"),
    "merged_into": ("Merged into", "Gộp vào"),
    "lengths": ("Lengths", "Độ dài"),
    "lengths_lead": (
        "Tokens of a record, counted from above; bins are the same in every report.",
        "Số token của mỗi bản ghi, ước lượng từ phía trên; các khoảng cố định giữa các báo cáo.",
    ),
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
    "sources_lead": (
        "The largest {shown} of {total}, by records; chunks count as records.",
        "{shown} nguồn lớn nhất trên tổng số {total}, theo số bản ghi; mỗi mảnh là một bản ghi.",
    ),
    "duplicates": ("Duplicates", "Bản trùng lặp"),
    "duplicates_lead": (
        "{merged} records were merged into {clusters}. The largest groups:",
        "{merged} bản ghi được gộp vào {clusters} bản. Các nhóm lớn nhất:",
    ),
    "no_duplicates": ("No duplicates were found.", "Không thấy bản trùng lặp nào."),
    "stands": ("Stands for them", "Bản đại diện"),
    "copies": ("Merged", "Đã gộp"),
    "gate": ("Quality gate", "Cổng chất lượng"),
    "gate_passed": ("Passed", "Đạt"),
    "gate_failed": ("Failed", "Không đạt"),
    "of": ("{n} of {all} checks", "{n} trên {all} phép kiểm"),
    "gate_none": ("No gate was held.", "Không chạy cổng chất lượng."),
    "check": ("Check", "Phép kiểm"),
    "target": ("Target", "Đích"),
    "all_targets": ("all targets", "mọi đích"),
    "bounds": ("Bounds", "Khoảng cho phép"),
    "any_value": ("any value", "có giá trị"),
    "observed": ("Observed", "Quan sát được"),
    "unexpected": ("{n} of {all} records break it", "{n} trên {all} bản ghi không đạt"),
    "failing": ("Where it fails", "Chỗ không đạt"),
    "split": ("Split", "Phân chia"),
    "train": ("train", "huấn luyện"),
    "validation": ("validation", "kiểm định"),
    "test": ("test", "kiểm thử"),
    "provenance": ("What it was made from", "Nguồn gốc"),
    "files": ("Input files", "Tệp đầu vào"),
    "version": ("Made with", "Tạo bởi"),
    "readers": ("Readers", "Bộ đọc"),
    "libraries": ("Libraries", "Thư viện"),
    "largest_inputs": ("The largest input files", "Các tệp đầu vào lớn nhất"),
    "bytes": ("Bytes", "Số byte"),
    "recipe": ("The recipe", "Công thức"),
    "lifecycle": ("life cycle", "vòng đời"),
    "card_date": ("model card of {date}", "thẻ mô hình ngày {date}"),
    "contents": ("Contents", "Mục lục"),
    "footer": (
        "No document text is in this page. It loads nothing and runs no script.",
        "Trang này không chứa nội dung tài liệu, không tải gì và không chạy mã lệnh.",
    ),
}


class Words:
    """The words of one of `LANGUAGES`; ValueError for any other."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: Any) -> str:
        """The word or sentence `key`, its places filled; KeyError for one that does not exist."""
        text = WORDS[key][self.index]
        return text.format(**values) if values else text

    def number(self, value: float | None, digits: int = 0) -> str:
        """1,234.5 or, in Vietnamese, 1.234,5; `–` for None."""
        if value is None:
            return "–"
        text = f"{value:,.{digits}f}"
        return text if self.language == "en" else text.translate(str.maketrans(",.", ".,"))

    def measure(self, value: Any) -> str:
        """Any measured value: whole numbers with separators, shares with up to 4 digits."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "–" if value is None else str(value)
        whole = float(value).is_integer()
        return self.number(value, 0 if whole else self._digits(value))

    @staticmethod
    def _digits(value: float) -> int:
        """How many digits after the point say the value to four places, without zeros."""
        return len(f"{value:.4f}".rstrip("0").partition(".")[2])

    def percent(self, part: float, whole: float) -> str:
        """A share with one digit: `4.2 %`; what is there but rounds to nothing is `< 0.1 %`."""
        share = 100 * part / whole if whole else 0.0
        if 0 < share < 0.05:
            return f"< {self.number(0.1, 1)} %"
        return f"{self.number(share, 1)} %"

    def size(self, value: int) -> str:
        """Bytes with the largest decimal unit that leaves at least 1."""
        number = float(value)
        for unit in ("B", "kB", "MB", "GB"):
            if number < 1000:
                return f"{self.number(number, 0 if unit == 'B' else 1)} {unit}"
            number /= 1000
        return f"{self.number(number, 1)} TB"
