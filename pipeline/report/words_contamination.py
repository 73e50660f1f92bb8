"""The words of the report's contamination section, in English and Vietnamese."""

from __future__ import annotations

CONTAMINATION: dict[str, tuple[str, str]] = {
    "contamination": ("Contamination", "Lẫn bộ đánh giá"),
    "contamination_lead": (
        (
            "Records that repeat items of an evaluation set, and are set aside: {records}. A model "
            "that has seen them cannot be measured with the set. Items searched for: {items}."
        ),
        (
            "Số bản ghi chứa nội dung mà bộ đánh giá hỏi và được để riêng: {records}. Mô hình đã "
            "thấy chúng thì không thể đo bằng bộ đó. Số mục được tìm: {items}."
        ),
    ),
    "no_contamination": (
        "No record repeats an item of an evaluation set. Items searched for: {items}.",
        "Không bản ghi nào chứa nội dung mà bộ đánh giá hỏi. Số mục được tìm: {items}.",
    ),
    "no_evaluation": (
        "The recipe names no evaluation set, so nothing was searched for.",
        "Công thức không nêu bộ đánh giá nào nên không có gì để tìm.",
    ),
    "contamination_chart": (
        "Records that overlap, by evaluation set",
        "Bản ghi trùng với từng bộ đánh giá",
    ),
    "contamination_kinds": (
        (
            "Exact: the whole item, character by character. Normalised: the same except for letter "
            "case, punctuation and layout. Run: many words in a row. Share: much of the item, in "
            "pieces. A record counts once per set, under the first of these kinds that fits; the "
            "percentage is the share of the item's runs of words that the record contains. All "
            "matches are in contamination.parquet."
        ),
        (
            "Nguyên văn: cả mục, từng ký tự. Chuẩn hóa: chỉ khác chữ hoa, dấu câu và trình bày. "
            "Chuỗi: nhiều từ liên tiếp. Phần: phần lớn của mục, từng đoạn. Mỗi bản ghi tính một "
            "lần trong mỗi bộ, theo loại rõ nhất; tỷ lệ phần trăm là phần chuỗi từ của mục có "
            "trong bản ghi. Toàn bộ nằm trong contamination.parquet."
        ),
    ),
    "evaluation_set": ("Evaluation set", "Bộ đánh giá"),
    "items": ("Items", "Số mục"),
    "kind_exact": ("Exact", "Nguyên văn"),
    "kind_normalised": ("Normalised", "Chuẩn hóa"),
    "kind_run": ("Run", "Chuỗi"),
    "kind_share": ("Share", "Phần"),
    "evaluation_unread": (
        "{n} records of the set could not be read.",
        "{n} bản ghi của bộ không đọc được.",
    ),
    "evaluation_whole": (
        "{n} items are so short that they are only searched for as a whole.",
        "{n} mục quá ngắn nên chỉ được tìm nguyên vẹn.",
    ),
    "evaluation_equal": (
        "{n} items repeat other items of the set.",
        "{n} mục giống mục khác trong bộ.",
    ),
    "evaluation_passed": (
        "{n} items contain nothing to search for.",
        "{n} mục không có gì để tìm.",
    ),
    "evaluation_common": (
        "{n} runs of words belong to a template that many items share, and are not searched for.",
        "{n} chuỗi từ thuộc khuôn mẫu chung của nhiều mục nên không được tìm.",
    ),
    "in_a_row": (
        "The longest shared passage has {n} words.",
        "Đoạn chung dài nhất có {n} từ.",
    ),
    "items_met": (
        "The record overlaps with {n} items of the set.",
        "Bản ghi trùng với {n} mục của bộ.",
    ),
    "the_item": ("Evaluation item", "Mục của bộ đánh giá"),
    "the_record": ("Record", "Bản ghi"),
}
