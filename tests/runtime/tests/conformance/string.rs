//! Functions of texts.

use super::*;

mod test_string {
    use super::*;

    stream! { Test("test_topic") { pub source: Option<String> } }
}

mod output_string {
    use super::*;

    stream! { Output("OUTPUT") { pub thing: Option<String> } }
}

mod output_i32 {
    use super::*;

    stream! { Output("OUTPUT") { pub instr: Option<i32> } }
}

mod input_string_i32_string {
    use super::*;

    stream! {
        Input("test_topic") {
            #[key] pub id: String,
            pub subject: Option<String>,
            pub len: Option<i32>,
            pub padding: Option<String>,
        }
    }
}

mod output_string_2 {
    use super::*;

    stream! { Output("OUTPUT") { #[key] pub id: String, pub result: Option<String> } }
}

cases! {
    "string";

    texts_are_compared: "string/< operator" => output {
        stream! { Input("test_topic") { pub text: Option<String> } }

        stream! { Output("OUTPUT") { pub text: Option<String>, pub result: Option<bool> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                text: r.text,
                result: r.text < "b2",
            })
        }
    }

    texts_are_joined: "concat/concat fields using CONCAT" => output {
        use output_string::Output;
        use test_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                thing: "prefix-".concat(r.source, "-postfix"),
            })
        }
    }

    quotes_and_back_slashes_are_themselves: "concat/should handle characters the must be escaped in java" => output {
        use output_string::Output;

        stream! { Input("test_topic") { pub source: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                thing: "\"".concat(r.source.concat("\\")),
            })
        }
    }

    lengths_of_text_and_bytes: "len/length of a string" => output {
        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub s: Option<String>,
                pub b: Option<Vec<u8>>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub s: Option<i32>, pub b: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                s: r.s.len(),
                b: r.b.len(),
            })
        }
    }

    a_text_is_looked_for_from_the_end: "instr/test instr with negative position" => output {
        use output_i32::Output;
        use test_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                instr: r.source.instr("or", -4),
            })
        }
    }

    a_later_occurrence_is_looked_for: "instr/test instr with position and occurrence" => output {
        use output_i32::Output;
        use test_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                instr: r.source.instr("or", 4, 2),
            })
        }
    }

    each_word_begins_with_a_capital: "initcap/do initcap" => output {
        use test_string::Test;

        stream! { Output("OUTPUT") { pub initcap: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                initcap: r.source.initcap(),
            })
        }
    }

    a_text_is_padded_in_front: "string-lpad-rpad/LPad with all args from record" => output {
        use input_string_i32_string::Input;
        use output_string_2::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                result: r.subject.pad_start(r.len, r.padding),
            })
        }
    }

    a_text_is_padded_behind: "string-lpad-rpad/RPad with all args from record" => output {
        use input_string_i32_string::Input;
        use output_string_2::Output;

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                result: r.subject.pad_end(r.len, r.padding),
            })
        }
    }

    a_group_of_a_pattern: "regex/extract with group" => output {
        stream! { Test("test_topic") { pub input_string: Option<String> } }

        stream! { Output("OUTPUT") { pub extracted: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                extracted: r.input_string.regexp_extract("(.*) (.*)", 2),
            })
        }
    }

    a_text_from_a_position_on: "substring/should default to current mode for new queries" => output {
        use test_string::Test;

        stream! { Output("OUTPUT") { pub substring: Option<String> } }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                substring: r.source.substring(6),
            })
        }
    }

    texts_are_joined_with_another_between_them: "concat/concat_ws - string" => output {
        stream! {
            Input("input_topic") {
                #[key] pub id: i64,
                pub s1: Option<String>,
                pub c1: Option<String>,
                pub c2: Option<String>,
                pub c3: Option<String>,
            }
        }

        stream! { Output("OUTPUT") { #[key] pub id: i64, pub combined: Option<String> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                id: r.id,
                combined: r.s1.concat_ws(r.c1, r.c2, r.c3, None as String, "literal"),
            })
        }
    }

    an_occurrence_is_looked_for_from_the_end: "instr/test instr with negative position and occurrence" => output {
        use output_i32::Output;
        use test_string::Test;

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                instr: r.source.instr("or", -4, 2),
            })
        }
    }

    every_occurrence_is_replaced_and_null_gives_null: "replace/replace" => output {
        use test_string::Test;

        stream! {
            Output("OUTPUT") {
                pub replace: Option<String>,
                pub replace_null: Option<String>,
                pub replace_w_null: Option<String>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                replace: r.source.replace("a", "o"),
                replace_null: r.source.replace(None as String, "o"),
                replace_w_null: r.source.replace("a", None as String),
            })
        }
    }

    a_text_from_a_position_on_and_null_gives_null: "substring/do substring with strings with just pos" => output {
        use test_string::Test;

        stream! {
            Output("OUTPUT") {
                pub substring: Option<String>,
                pub null_str: Option<String>,
                pub null_pos: Option<String>,
            }
        }

        #[query]
        fn output(test: Stream<Test>) -> Stream<Output> {
            test.map(|r| Output {
                substring: r.source.substring(6),
                null_str: (None as String).substring(1),
                null_pos: r.source.substring(None as i32),
            })
        }
    }
}
