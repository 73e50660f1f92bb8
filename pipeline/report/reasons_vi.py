"""The meanings of reasons, losses and broken checks in Vietnamese, by their names."""

from __future__ import annotations

from pipeline.report.reasons_read_vi import READERS_VI

REASONS_VI: dict[str, str] = READERS_VI | {
    "empty_text": "Sau khi làm sạch không còn chữ nào; hãy xem lại nguồn, hoặc để vậy.",
    "language_not_allowed": (
        "Ngôn ngữ của bản ghi không nằm trong `allow`; hãy thêm vào nếu muốn giữ."
    ),
    "too_short": "Văn bản có ít từ hơn `min_words`; hãy hạ mức nếu cần văn bản ngắn.",
    "line_too_long": (
        "Có dòng dài hơn `max_line_chars`, như mã nén hay base64; hãy nâng mức nếu văn bản "
        "không ngắt dòng."
    ),
    "too_many_symbols": (
        "Tỷ lệ ký hiệu vượt `max_symbol_ratio`, như bảng dấu hay thẻ đánh dấu; hãy nâng mức cho "
        "mã nguồn."
    ),
    "too_few_letters": (
        "Tỷ lệ chữ cái thấp hơn `min_letter_ratio`, như bảng số; hãy hạ mức nếu cần."
    ),
    "gopher_too_few_words": "Văn bản có ít từ hơn mức quy tắc Gopher đòi hỏi.",
    "gopher_too_many_words": (
        "Văn bản có nhiều từ hơn mức quy tắc Gopher cho phép; hãy chia đoạn trước nếu nó là một."
    ),
    "gopher_short_words": "Từ ngắn hơn mức bình thường, như trong bảng và danh sách mã.",
    "gopher_long_words": "Từ dài hơn mức bình thường, như đường dẫn, URL và base64.",
    "gopher_many_hashes": "Cứ vài từ lại có một dấu #, như nhật ký máy và thẻ hashtag.",
    "gopher_many_ellipses": "Cứ vài từ lại có dấu ba chấm: các trích đoạn bị cắt.",
    "gopher_bullet_lines": "Hầu hết dòng bắt đầu bằng dấu đầu dòng: danh sách, không phải văn bản.",
    "gopher_ellipsis_lines": "Nhiều dòng kết thúc bằng dấu ba chấm: các trích đoạn bị cắt.",
    "gopher_few_alpha_words": "Nhiều từ không có chữ cái: số, ký hiệu, bảng.",
    "gopher_few_stop_words": "Tiếng Anh mà thiếu những từ thông dụng nhất: từ khóa, tên, mã.",
    "repeated_lines": "Nhiều dòng xuất hiện hai lần trong văn bản.",
    "repeated_paragraphs": "Nhiều đoạn xuất hiện hai lần trong văn bản.",
    "repeated_line_chars": "Các dòng lặp lại chiếm phần lớn văn bản.",
    "repeated_paragraph_chars": "Các đoạn lặp lại chiếm phần lớn văn bản.",
    "frequent_2_gram": "Một cụm 2 từ chiếm phần lớn văn bản.",
    "frequent_3_gram": "Một cụm 3 từ chiếm phần lớn văn bản.",
    "frequent_4_gram": "Một cụm 4 từ chiếm phần lớn văn bản.",
    "repeated_5_grams": "Các cụm 5 từ đã xuất hiện trước đó chiếm phần lớn văn bản.",
    "repeated_6_grams": "Các cụm 6 từ đã xuất hiện trước đó chiếm phần lớn văn bản.",
    "repeated_7_grams": "Các cụm 7 từ đã xuất hiện trước đó chiếm phần lớn văn bản.",
    "repeated_8_grams": "Các cụm 8 từ đã xuất hiện trước đó chiếm phần lớn văn bản.",
    "repeated_9_grams": "Các cụm 9 từ đã xuất hiện trước đó chiếm phần lớn văn bản.",
    "repeated_10_grams": "Các cụm 10 từ đã xuất hiện trước đó chiếm phần lớn văn bản.",
    "c4_curly_bracket": "Một dòng văn xuôi có dấu {: mã lẫn trong chữ; với mã, hãy bỏ quy tắc C4.",
    "c4_lorem_ipsum": "Văn bản có `lorem ipsum`, thứ giữ chỗ cho văn bản chưa viết.",
    "c4_too_few_sentences": "Quá ít câu trong các dòng có ba từ và kết thúc bằng dấu câu.",
    "fineweb_few_ended_lines": "Hầu như không dòng nào kết thúc như một câu: thực đơn, bảng, mã.",
    "fineweb_short_lines": "Phần lớn các dòng ngắn: thực đơn, danh sách, thơ.",
    "fineweb_repeated_chars": "Các dòng xuất hiện hai lần trong văn bản.",
    "fineweb_many_newlines": "Cứ vài từ lại xuống dòng: một danh sách.",
    "teacher_not_asked": (
        "Tệp câu trả lời không có gì về đoạn này; hãy chạy `bedrock-prep teach RECIPE`. Giá trị là "
        "khóa của yêu cầu."
    ),
    "teacher_blocked": (
        "Bộ lọc hoặc guardrail của Bedrock đã giữ câu trả lời lại; giá trị là lý do dừng."
    ),
    "teacher_cut_off": (
        "Câu trả lời bị cắt ở giới hạn; hãy nâng `max_tokens` hoặc hỏi ít `pairs` hơn, rồi hỏi lại."
    ),
    "teacher_malformed": (
        "Câu trả lời không phải JSON đã yêu cầu; hãy thử mô hình khác hoặc `instruction` đơn giản "
        "hơn."
    ),
    "teacher_no_pairs": "Mô hình không thấy gì đáng hỏi trong đoạn này.",
    "passage_too_short": "Đoạn có ít ký tự hơn `min_characters` nên không được hỏi.",
    "pair_incomplete": "Một cặp thiếu prompt, completion hoặc quote; giá trị nói thiếu cái nào.",
    "quote_too_short": (
        "Trích dẫn có ít ký tự hơn `min_quote`; ngắn như vậy thì ở đâu cũng có thể gặp."
    ),
    "quote_not_in_source": (
        "Trích dẫn không có trong đoạn, nên cặp này không có căn cứ; giá trị nói bao nhiêu ký tự "
        "đầu của trích dẫn có trong đoạn, trên tổng số bao nhiêu."
    ),
    "no_messages": "Danh sách lượt trống; không có gì để học.",
    "unknown_role": (
        "Một lượt có vai khác `user` và `assistant`; hãy đổi tên vai, và để lời nhắc hệ thống "
        "vào `system`."
    ),
    "first_turn_not_user": "Trợ lý nói trước; hãy bỏ lượt đó hoặc thêm câu hỏi.",
    "roles_do_not_alternate": "Hai lượt kề nhau cùng một vai; hãy đặt `merge_same_role`.",
    "last_turn_not_assistant": "Lượt cuối không có câu trả lời; hãy bỏ hoặc trả lời nó.",
    "empty_prompt": "Lượt trước câu trả lời trống.",
    "empty_completion": "Câu trả lời trống.",
    "empty_turn": "một lượt không có chữ",
    "personal_data": (
        "Bản ghi chứa dữ liệu cá nhân hoặc bí mật thuộc loại phải loại bỏ; giá trị là loại đó. "
        "Hãy bỏ nó ở nguồn, hoặc để `redact` thay thế."
    ),
    "duplicate": "Nội dung giống hệt có trong bản ghi được nêu ở giá trị, và bản đó được giữ.",
    "duplicate_of_earlier": (
        "Nội dung giống hệt có trong dữ liệu trước đây mà `against` nêu; giá trị cho biết ở đâu: "
        "bộ dữ liệu, nguồn và vị trí trong đó."
    ),
    "near_duplicate_of_earlier": (
        "Dữ liệu trước đây mà `against` nêu có gần như cùng các từ; giá trị cho biết ở đâu (bộ dữ "
        "liệu, nguồn và vị trí trong đó) và độ giống nhau."
    ),
    "near_training": (
        "Gần trùng lời với một bản ghi huấn luyện thuộc nhóm khác; giá trị là độ giống nhau. Để "
        "lại thì kết quả kiểm định trông tốt hơn thực tế."
    ),
    "only_repeated": (
        "Mọi dòng của tài liệu đều có trong tài liệu khác nên không còn lại gì; giá trị là số dòng "
        "hoặc đoạn đã bỏ."
    ),
    "near_duplicate": (
        "Một bản ghi được giữ có gần như cùng các từ; giá trị là độ giống với nó, hoặc với một "
        "bản khác trong nhóm."
    ),
    "duplicate_image": "Cùng một ảnh có trong bản ghi được nêu ở giá trị, và bản đó được giữ.",
    "contaminated_exact": (
        "Bản ghi chứa nguyên văn một mục của bộ đánh giá, từng ký tự; contamination.parquet và "
        "lệnh `why` cho biết mục nào và ở đâu."
    ),
    "contaminated_normalised": (
        "Bản ghi chứa một mục của bộ đánh giá, chỉ khác chữ hoa, dấu câu hoặc cách trình bày."
    ),
    "contaminated_run": (
        "Bản ghi có chung một chuỗi từ dài với một mục của bộ đánh giá; giá trị là số từ liên "
        "tiếp (với chữ viết không có dấu cách, mỗi ký tự là một phần của từ)."
    ),
    "contaminated_share": (
        "Bản ghi chứa phần lớn một mục của bộ đánh giá thành từng đoạn; giá trị là tỷ lệ các chuỗi "
        "từ của mục có trong bản ghi."
    ),
    "contradiction": (
        "Cùng câu hỏi mà nơi khác trả lời khác; giá trị là bản ghi đầu tiên có câu hỏi này. Hãy "
        "chọn câu đúng và bỏ các câu kia."
    ),
    "broken_extra": "JSON phụ của bản ghi không phải là đối tượng",
    "broken_tools": "một công cụ thiếu tên, mô tả hoặc tham số",
    "broken_turns": "một lượt không gồm vai và danh sách khối mà định dạng biết",
    "image_not_prepared": "không rõ định dạng ảnh, hoặc không ghi được ảnh cho mô hình",
    "images_not_allowed": "bản ghi có ảnh mà định dạng không có chỗ cho ảnh",
    "images_without_owner": "chưa đặt tài khoản sở hữu bucket chứa ảnh",
    "images_without_prefix": "chưa đặt tiền tố S3 nơi ảnh sẽ nằm",
    "media_in_turns": "các lượt tự nêu tệp đa phương tiện bằng URI riêng",
    "more_than_one_image": "định dạng nhận mỗi bản ghi một ảnh",
    "more_than_one_turn": "định dạng nhận một câu hỏi và một câu trả lời",
    "no_caption": "ảnh không có chú thích",
    "no_completion": "bản ghi không kết thúc bằng lượt của trợ lý",
    "no_image": "bản ghi không có ảnh",
    "no_prompt": "bản ghi không có lượt của người dùng",
    "no_reference_answer": "không có gì để đối chiếu câu trả lời",
    "no_text": "bản ghi không có chữ",
    "media_elsewhere": "tệp đa phương tiện nằm ở bucket khác với tập dữ liệu",
    "media_format": "mô hình không nhận định dạng tệp đa phương tiện này",
    "media_not_allowed": "bản ghi có video hoặc tài liệu mà định dạng không có chỗ cho chúng",
    "media_without_owner": (
        "tệp đa phương tiện không nêu bucketOwner, và publish.expected_bucket_owner cũng không"
    ),
    "mixed_media": "ảnh, video và tài liệu không đi cùng nhau",
    "reasoning_with_images": "suy luận chỉ đi với văn bản",
    "reasoning_with_media": "suy luận chỉ đi với văn bản",
    "system_not_allowed": "định dạng không có chỗ cho lời nhắc hệ thống và đích từ chối nó",
    "tools_not_allowed": "bản ghi có lời gọi công cụ mà định dạng không có chỗ",
    "turns_out_of_order": "các lượt phải xen kẽ, người dùng trước",
    "too_many_tokens": "bản ghi có thể có nhiều token hơn mức mô hình nhận",
    "too_many_characters": "bản ghi có nhiều ký tự hơn mức AWS cho phép theo giới hạn token",
    "record_too_heavy": "dòng có nhiều byte hơn mức mô hình nhận",
    "content_not_taken": (
        "bản ghi có suy luận hoặc công cụ mà mô hình không được huấn luyện trên đó"
    ),
    "reserved_word": "văn bản chứa từ mà mô hình giữ riêng; công việc như vậy sẽ thất bại",
    "caption_too_short": "chú thích ngắn hơn mức mô hình nhận",
    "caption_too_long": "chú thích dài hơn mức mô hình nhận",
    "too_many_images": "bản ghi có nhiều ảnh hơn mức mô hình nhận",
    "too_many_videos": "bản ghi có nhiều video hơn mức mô hình nhận",
    "too_many_documents": "bản ghi có nhiều tài liệu hơn mức mô hình nhận",
    "image_format": "ảnh ở định dạng mà mô hình không nhận",
    "image_too_heavy": "tệp ảnh nặng hơn mức mô hình nhận",
    "image_too_small": "cạnh ngắn của ảnh ít điểm ảnh hơn mức mô hình nhận",
    "image_too_large": "cạnh dài của ảnh nhiều điểm ảnh hơn mức mô hình nhận",
    "image_too_many_pixels": "tổng điểm ảnh nhiều hơn mức mô hình nhận",
    "image_bad_ratio": "tỷ lệ rộng trên cao của ảnh nằm ngoài khoảng mô hình nhận",
    "over_records_max": (
        "mô hình không nhận thêm bản ghi: hãy chia tập dữ liệu, hoặc xin AWS nâng hạn mức và "
        "đặt `quota.records_max`"
    ),
    "withdrawn": "công thức rút nó khỏi mọi lần chạy",
    "shipped_before": "một lần chạy trước trong chuỗi mà phần gia tăng này nối tiếp đã giao nó",
    "schema_broken": "dòng được tạo vi phạm chính JSON Schema của định dạng",
    "answer_became_reference": "câu trả lời cuối là chuẩn để chấm, không phải một lượt",
    "answer_left_out": "câu trả lời cuối để mô hình tự đưa ra",
    "answer_left_to_teacher": "bỏ câu trả lời: mô hình thầy tự viết",
    "reasoning_left_out": "bỏ phần suy luận trước câu trả lời",
    "reference_left_out": "bỏ câu trả lời chuẩn: định dạng này không có bộ chấm nào đọc nó",
    "system_filled_in": "bản ghi không có lời nhắc hệ thống và nhận của đích",
    "system_joined_to_prompt": "định dạng không có lời nhắc hệ thống: nó đứng trước câu hỏi",
    "system_left_out": "định dạng không có lời nhắc hệ thống: nó bị bỏ",
    "tools_filled_in": "bản ghi không khai báo công cụ nào, dùng công cụ của đích",
    "tools_left_out": "bỏ các công cụ được khai báo mà không lượt nào gọi",
    "turns_left_out": "định dạng chỉ nhận một đoạn văn bản: bỏ các lượt bên cạnh nó",
    "image_turned": "ảnh được xoay cho đúng chiều",
    "image_flattened": "phần trong suốt của ảnh trở thành màu trắng",
    "image_first_frame": "tệp ảnh có nhiều hình: chỉ lấy hình đầu tiên",
    "image_colours_converted": "màu của ảnh được chuyển sang sRGB",
    "image_written_again": "ảnh được ghi lại theo định dạng và kích thước mà mô hình nhận",
    "image_metadata_cut": "siêu dữ liệu được cắt khỏi tệp ảnh, các điểm ảnh giữ nguyên",
    "gate.id_present": "có bản ghi thiếu mã",
    "gate.id_unique": "có mã xuất hiện hơn một lần",
    "gate.document_present": "có bản ghi không nói nó thuộc tài liệu nào",
    "gate.document_in_one_split": "có tài liệu nằm ở hai phần: kết quả đánh giá sẽ bị rò rỉ",
    "gate.source_present": "có bản ghi không nói nó đến từ nguồn nào",
    "gate.split_valid": "có bản ghi không thuộc phần huấn luyện, kiểm định hay kiểm thử",
    "gate.tokens_known": "có bản ghi chưa được đếm token",
    "gate.tokens_within_limit": (
        "có bản ghi nhiều token hơn mức mô hình nhận, hoặc không có token nào"
    ),
    "gate.line_bytes_known": "có dòng chưa được đếm byte",
    "gate.line_bytes_within_limit": "có dòng nhiều byte hơn mức mô hình nhận, hoặc rỗng",
    "gate.turns_known": "có bản ghi chưa được đếm lượt",
    "gate.turns_enough": "có bản ghi ít lượt hơn mức định dạng đòi hỏi",
    "gate.images_within_limit": "có bản ghi nhiều ảnh hơn mức mô hình nhận",
    "gate.tokens_within_gate": "có bản ghi nhiều token hơn mức cổng chất lượng cho phép",
    "gate.train_records_enough": "tệp huấn luyện ít bản ghi hơn mức cổng chất lượng đòi hỏi",
    "gate.rejected_share_allowed": "tỷ lệ bản ghi bị loại cao hơn mức cổng chất lượng cho phép",
    "gate.drift_rejected_allowed": "tỷ lệ bản ghi bị loại lệch so với lần chạy trước nhiều hơn mức "
    "cổng chất lượng cho phép",
    "gate.drift_merged_allowed": "tỷ lệ bản ghi trùng lệch so với lần chạy trước nhiều hơn mức "
    "cổng chất lượng cho phép",
    "gate.drift_sources_removed_allowed": "số nguồn của lần chạy trước đã mất nhiều hơn mức cổng "
    "chất lượng cho phép",
    "gate.drift_lengths_allowed": "độ dài bản ghi lệch so với lần chạy trước (PSI) nhiều hơn mức "
    "cổng chất lượng cho phép",
    "gate.drift_languages_allowed": "ngôn ngữ lệch so với lần chạy trước (PSI) nhiều hơn mức cổng "
    "chất lượng cho phép",
    "gate.drift_records_lost_allowed": "số bản ghi của lần chạy trước bị mất nhiều hơn mức cổng "
    "chất lượng cho phép",
    "language_not_wanted": "bản ghi viết bằng ngôn ngữ nằm ngoài `languages` của đích",
}
