"""Words of the report's section of contamination, in English and Vietnamese."""

from __future__ import annotations

CONTAMINATION: dict[str, tuple[str, str]] = {
    "contamination": ("Contamination", "Lẫn bộ đánh giá"),
    "contamination_lead": (
        (
            "Records that say what an evaluation set asks, and are set aside: {records}. A model "
            "that has seen them cannot be measured by the set. Items looked for: {items}."
        ),
        (
            "Số bản ghi chứa nội dung mà bộ đánh giá hỏi và được để riêng: {records}. Mô hình đã "
            "thấy chúng thì không thể đo bằng bộ đó. Số mục được tìm: {items}."
        ),
    ),
    "no_contamination": (
        "No record says what an evaluation set asks. Items looked for: {items}.",
        "Không bản ghi nào chứa nội dung mà bộ đánh giá hỏi. Số mục được tìm: {items}.",
    ),
    "no_evaluation": (
        "The recipe names no evaluation set, so nothing was looked for.",
        "Công thức không nêu bộ đánh giá nào nên không có gì để tìm.",
    ),
    "contamination_chart": (
        "Records that overlap, by evaluation set",
        "Bản ghi trùng với từng bộ đánh giá",
    ),
    "contamination_kinds": (
        (
            "Exact: the whole item, character by character. Normalised: but for letter case, "
            "punctuation and layout. Run: many words in a row. Share: much of the item, in pieces. "
            "A record counts once in each set, by its plainest kind; the percentage tells how "
            "many of the item's runs of words stand in it. All are in contamination.parquet."
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
        "{n} items are so short that they are looked for as a whole only.",
        "{n} mục quá ngắn nên chỉ được tìm nguyên vẹn.",
    ),
    "evaluation_equal": (
        "{n} items say what others of the set say.",
        "{n} mục giống mục khác trong bộ.",
    ),
    "evaluation_passed": (
        "{n} items hold nothing to look for.",
        "{n} mục không có gì để tìm.",
    ),
    "evaluation_common": (
        "{n} runs of words belong to a template of many items, and are not looked for.",
        "{n} chuỗi từ thuộc khuôn mẫu chung của nhiều mục nên không được tìm.",
    ),
    "in_a_row": (
        "The longest passage that both share has {n} words.",
        "Đoạn chung dài nhất có {n} từ.",
    ),
    "items_met": (
        "The record meets {n} items of the set.",
        "Bản ghi trùng với {n} mục của bộ.",
    ),
    "the_item": ("Evaluation item", "Mục của bộ đánh giá"),
    "the_record": ("Record", "Bản ghi"),
}
