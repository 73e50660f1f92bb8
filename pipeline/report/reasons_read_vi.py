"""The meanings of the readers' reasons in Vietnamese, by their names."""

from __future__ import annotations

READERS_VI: dict[str, str] = {
    "read.bad_messages": "cuộc hội thoại không phải là danh sách lượt có vai và nội dung",
    "read.unknown_role": "một lượt không thuộc người dùng, trợ lý hay hệ thống",
    "read.extra_system": "có lời nhắc hệ thống thứ hai, hoặc nó đứng sau lượt đầu",
    "read.unsupported_content": (
        "một lượt chứa ảnh, âm thanh, tài liệu hoặc thứ không rõ mà bản ghi không chứa được"
    ),
    "read.weight_zero": (
        "một câu trả lời được đánh dấu không dùng để học (`weight: 0`), mà không định dạng nào của "
        "Bedrock ghi được; hãy bỏ nó hoặc kết thúc hội thoại trước nó"
    ),
    "read.not_text": "một giá trị lẽ ra là văn bản lại là số, danh sách, đối tượng hoặc null",
    "read.bad_tool_call": "lời gọi công cụ hoặc kết quả của nó thiếu mã, tên hoặc nội dung",
    "read.bad_arguments": "đối số của lời gọi công cụ không phải là một đối tượng JSON",
    "read.tool_result_without_call": "kết quả công cụ không ứng với lời gọi nào trước nó",
    "read.block_in_wrong_turn": (
        "kết quả công cụ thuộc người dùng; lời gọi và suy luận thuộc trợ lý"
    ),
    "read.tool_use_id_twice": "hai lời gọi công cụ trong một hội thoại trùng mã",
    "read.tool_result_twice": "một lời gọi công cụ có hai kết quả",
    "read.tool_result_missing": "một lời gọi công cụ trước lượt cuối không có kết quả",
    "read.tool_not_declared": "công cụ được gọi không có trong khai báo của bản ghi",
    "read.bad_tools": (
        "khai báo công cụ không theo dạng OpenAI hay `toolConfig` của Converse, hoặc trùng tên"
    ),
    "read.not_scalar": "một cột siêu dữ liệu chứa danh sách hoặc đối tượng, bộ chấm không nhận",
    "read.unknown_columns": "không nhận ra bộ cột nào; hãy nêu tên bằng `columns`",
    "read.missing_column": "cột mà công thức nêu tên không có, hoặc là null",
    "read.undesirable_answer": (
        "nhãn cho biết câu trả lời này là xấu, như trong KTO; không định dạng nào của Bedrock ghi "
        "được điều đó và mô hình sẽ học theo"
    ),
    "read.bad_file_name": "tên tệp dẫn ra ngoài thư mục của nó, hoặc là một URL",
    "read.empty_file": "tệp rỗng, hoặc chỉ có khoảng trắng",
    "read.binary": "tệp không phải văn bản; các byte đầu cho biết nó là gì",
    "read.bad_encoding": (
        "các byte không hợp lệ theo bảng mã đã khai hay UTF-8 và không đoán chắc được; hãy nêu "
        "`encoding`"
    ),
    "read.no_rows": "không có dòng dữ liệu nào, hoặc không có dòng nào dưới tiêu đề",
    "read.duplicate_header": "hai cột trùng tên",
    "read.ragged_row": "dòng có nhiều hoặc ít ô hơn tiêu đề",
    "read.bad_quoting": "ô trong ngoặc kép còn chữ sau dấu đóng ngoặc",
    "read.unclosed_quote": "dấu ngoặc kép mở mà không đóng",
    "read.row_too_long": "dòng dài hơn mức đọc được, hoặc ngoặc kép không bao giờ đóng",
    "read.not_json_lines": (
        "một tài liệu JSON trải trên nhiều dòng; hãy ghi mỗi dòng một đối tượng, chẳng hạn bằng "
        "`jq -c .[]`"
    ),
    "read.bad_json": "dòng hoặc phần tử không phải JSON hợp lệ",
    "read.blank_line": "dòng trống",
    "read.line_too_long": "dòng dài hơn mức đọc được",
    "read.duplicate_key": "một đối tượng có khóa lặp lại, mỗi bộ đọc hiểu một khác",
    "read.too_deep": "lồng sâu hơn mức mọi dữ liệu hay tài liệu cần",
    "read.not_an_object": "dòng hoặc phần tử là JSON hợp lệ nhưng không phải đối tượng",
    "read.wide_encoding": (
        "tệp ở UTF-16 hoặc UTF-32, còn JSON dùng UTF-8; hãy chuyển mã, chẳng hạn bằng "
        "`iconv -t utf-8 -f utf-16`"
    ),
    "read.too_large": "tệp lớn hơn mức đọc được",
    "read.not_an_image": "tệp không phải ảnh",
    "read.unsupported_image": (
        "TIFF, HEIC và AVIF không được giải mã; không công việc Bedrock nào nhận chúng"
    ),
    "read.corrupt_image": "ảnh hỏng hoặc bị cắt: không giải mã được đến hết",
    "read.image_too_many_pixels": "ảnh có nhiều điểm ảnh hơn mức được giải mã",
    "read.no_caption": "không siêu dữ liệu hay tệp chú thích nào có chú thích cho ảnh",
    "read.missing_image": "một dòng siêu dữ liệu nêu tệp không có ở đó",
    "read.html_too_complex": "một thẻ có quá nhiều thuộc tính, hoặc các thẻ lồng quá sâu",
    "read.bad_html": "bộ phân tích HTML không đọc nổi",
    "read.no_text": "không có văn bản nào trong đó",
    "read.bad_page": "trang này không nạp được; các trang khác của tài liệu đã được đọc",
    "read.damaged": "tệp hỏng hoặc không đúng định dạng mà tên nó nói; hãy lưu lại",
    "read.duplicate_member": "tệp nén đã có thành phần trùng tên đứng trước; đã đọc thành phần đó",
    "read.encrypted": "tệp cần mật khẩu; hãy lưu lại không mật khẩu",
    "read.image_in_table": "một cột chứa ảnh, không lấy được khỏi bảng: hãy ghi ảnh thành tệp cạnh "
    "metadata.jsonl, hoặc nêu các cột văn bản bằng `columns`",
    "read.image_in_archive": "ảnh cần một chỗ riêng để gọi tên; hãy giải nén",
    "read.inflated": "tệp bung ra lớn hơn mọi dữ liệu bình thường; hãy tự giải nén",
    "read.nested_archive": "tệp nén trong tệp nén không được mở; hãy tự giải nén",
    "read.no_captions": "không có phụ đề nào kèm thời gian; đây có phải tệp phụ đề không?",
    "read.no_members": "tệp nén không chứa tệp nào",
    "read.deleted_message": (
        "chương trình thư đã đánh dấu xóa thư này, và sẽ bỏ nó khỏi hộp thư khi nén hộp thư"
    ),
    "read.no_message": "tệp không bắt đầu bằng phần đầu của một thư điện tử",
    "read.no_pages": "tệp lưu trữ không có trang nào có văn bản",
    "read.no_text_layer": "các trang là ảnh chụp văn bản; hãy chạy OCR rồi thử lại",
    "read.not_a_file": "thành phần là liên kết, thiết bị hoặc thứ không chứa văn bản",
    "read.other_records": "yêu cầu, siêu dữ liệu, ảnh, mã lệnh và lần tải hỏng không phải trang",
    "read.out_of_memory": "tệp cần quá nhiều bộ nhớ để phân tích; hãy chia nhỏ",
    "read.parser_died": (
        "bộ phân tích sập ở tệp này, hoặc làm điều không bộ phân tích nào được làm; hãy lưu lại "
        "tài liệu bằng chương trình đã tạo ra nó"
    ),
    "read.timeout": "tệp cần quá lâu để phân tích; hãy chia nhỏ hoặc lưu ở dạng đơn giản hơn",
    "read.too_many_columns": "bảng có nhiều cột hơn mọi tập bản ghi",
    "read.too_many_members": "tệp nén có nhiều thành phần hơn mức bộ đọc nhận; hãy giải nén",
    "read.too_many_pages": "tài liệu có nhiều trang hơn mức bộ đọc nhận; hãy chia nhỏ",
    "read.unmapped_text": (
        "phông chữ không cho biết đó là ký tự nào; hãy in lại ra PDF hoặc chạy OCR"
    ),
    "read.unsupported_archive": "không bộ đọc nào mở loại tệp nén này; hãy tự giải nén",
    "read.xml_entities": "XML trong tệp khai báo kiểu tài liệu, điều phần mềm văn phòng không làm",
    "read.failed_call": "lời gọi mô hình thất bại; không có câu trả lời để học",
    "read.log_body_elsewhere": "nhật ký nói nội dung nằm ở một đối tượng S3 khác",
    "read.no_accepted_answer": "không câu trả lời nào được đánh dấu là chấp nhận",
    "read.bad_nesting": (
        "chỗ lẽ ra là danh sách bài, đoạn văn, câu hỏi hoặc câu trả lời lại không phải thế"
    ),
    "read.too_many_parts": "thư có nhiều phần hơn mức bộ đọc nhận",
    "read.no_answer": "câu hỏi không có câu trả lời trong đoạn văn của nó",
    "read.too_many_speakers": "hơn hai người nói; không rõ ai là trợ lý",
    "read.unknown_body": "yêu cầu hoặc câu trả lời không có hình dạng nào mà bộ đọc biết",
}
