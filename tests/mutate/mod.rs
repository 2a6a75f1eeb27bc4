//! A workflow text changed in a few of the ways in which people, editors and enemies write YAML,
//! and the promises of a fix that must hold for each such mutant.

mod bytes;
mod declared;
mod layout;
mod lines;
mod links;
pub mod promises;
pub mod random;
mod values;

use random::Random;

/// One way to change a text; nothing where it does not apply.
pub type Mutation = fn(&str, &mut Random) -> Option<String>;

/// Every way, with the name under which it is counted.
pub const MUTATIONS: [(&str, Mutation); 47] = [
    ("indent twice as deep", layout::indent_twice),
    ("indent a line", layout::indent_line),
    ("indent a sequence by nothing", layout::outdent_sequence),
    ("wide dash", layout::wide_dash),
    ("dash on a line of its own", layout::lone_dash),
    ("blank lines", layout::blank_lines),
    ("comment line", layout::comment_line),
    ("comment behind a line", layout::trailing_comment),
    ("blanks behind a line", layout::trailing_blanks),
    ("line twice", layout::duplicate_line),
    ("line away", layout::delete_line),
    ("lines swapped", layout::swap_lines),
    ("step twice", layout::duplicate_step),
    ("step moved", layout::move_step),
    ("step away", layout::delete_step),
    ("document marks", layout::document_marks),
    ("second document", layout::second_document),
    ("CRLF", bytes::crlf),
    ("one CRLF", bytes::one_crlf),
    ("CR alone", bytes::lone_cr),
    ("BOM", bytes::bom),
    ("BOM inside", bytes::bom_inside),
    ("unicode", bytes::unicode),
    ("control character", bytes::control),
    ("tab", bytes::tab),
    ("truncated", bytes::truncate),
    ("no last line break", bytes::no_final_newline),
    ("many last line breaks", bytes::many_final_newlines),
    ("single quotes", values::single_quotes),
    ("double quotes", values::double_quotes),
    ("quotes away", values::unquote),
    ("quoted key", values::quoted_key),
    ("explicit key", values::explicit_key),
    ("key renamed", values::rename_key),
    ("other value", values::replace_value),
    ("block scalar", values::block_scalar),
    ("value folded", values::fold),
    ("flow mapping", values::flow_mapping),
    ("flow step", values::flow_step),
    ("anchor and alias", values::anchor),
    ("steps shared", values::share_steps),
    ("cache key broken", values::break_cache),
    ("tag", values::tag),
    ("separator", bytes::separator),
    ("job shared", links::aliased_job),
    ("sequence shared", links::anchored_sequence),
    ("merge key", links::merge_key),
];

/// At most so many ways at once: more would mostly give texts that no parser reads.
const MAX_AT_ONCE: usize = 4;

/// A mutant of `text` and the ways that made it.
pub fn mutate(text: &str, random: &mut Random) -> (String, Vec<&'static str>) {
    let mut mutant = text.to_owned();
    let mut ways = Vec::new();
    for _ in 0..=random.below(MAX_AT_ONCE) {
        let Some((way, change)) = random.of(&MUTATIONS) else { break };
        if let Some(changed) = change(&mutant, random) {
            mutant = changed;
            ways.push(*way);
        }
    }
    (mutant, ways)
}
