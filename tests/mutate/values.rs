//! Mutations of keys and values: quotes, scalar styles, flow style, anchors, other keys and values,
//! broken cache keys.

use super::lines::{
    content, end_of, has_plain_value, indent, key_value, line_break, pick, pick_step, split,
};
use super::random::Random;

const KEYS: [&str; 16] = [
    "jobs",
    "steps",
    "run",
    "uses",
    "with",
    "env",
    "if",
    "on",
    "runs-on",
    "name",
    "id",
    "strategy",
    "matrix",
    "path",
    "key",
    "restore-keys",
];
const NEW_KEYS: [&str; 14] = [
    "steps", "Steps", "run", "RUN", "uses", "with", "if", "true", "<<", "~", "\"\"", "0x10",
    "shell", "parallel",
];
const VALUES: [&str; 24] = [
    "null",
    "~",
    "[]",
    "{}",
    "''",
    "yes",
    "0o17",
    "1_0",
    "12:30:45",
    "2001-01-01",
    ".inf",
    "!!str x",
    "!local y",
    "!!binary aGk=",
    "${{ }}",
    "${{ matrix.session }}",
    "${{ github.event.inputs.x || 'nox' }}",
    "${{ 'a' }}-${{ hashFiles('**/*.lock') }}",
    "nox",
    "nox -s tests -- --nox",
    "uvx nox -r",
    "[nox, \"-s\", tests]",
    "always()",
    "actions/cache@v4",
];

pub fn single_quotes(text: &str, random: &mut Random) -> Option<String> {
    plain_value(text, random, |value, _| Some(format!("'{}'", value.replace('\'', "''"))))
}

pub fn double_quotes(text: &str, random: &mut Random) -> Option<String> {
    plain_value(text, random, |value, random| {
        let mut escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        if random.once_in(2) {
            escaped = escaped.replacen('o', "\\x6f", 1);
        }
        Some(format!("\"{escaped}\""))
    })
}

pub fn unquote(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = pick(&lines, random, |l| {
        key_value(l).is_some_and(|(_, v, _)| v.len() > 1 && v.starts_with(['"', '\'']))
    })?;
    let (key, value, end) = key_value(&lines[at])?;
    lines[at] = format!("{key}{}{end}", value.trim_matches(['"', '\'']));
    Some(lines.concat())
}

pub fn quoted_key(text: &str, random: &mut Random) -> Option<String> {
    key(
        text,
        random,
        |key, random| if random.once_in(2) { format!("\"{key}\"") } else { format!("'{key}' ") },
    )
}

/// `? key` and `: value` on lines of their own.
pub fn explicit_key(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = pick(&lines, random, |l| !content(l).starts_with('-') && key_value(l).is_some())?;
    let (key, value, end) = key_value(&lines[at])?;
    let depth = indent(key);
    let name = key.trim().trim_end_matches(':');
    let end = if end.is_empty() { "\n" } else { end };
    lines[at] = format!("{:depth$}? {name}{end}{:depth$}: {value}{end}", "", "");
    Some(lines.concat())
}

pub fn rename_key(text: &str, random: &mut Random) -> Option<String> {
    key(text, random, |_, random| NEW_KEYS[random.below(NEW_KEYS.len())].to_owned())
}

/// Some well-known key, written as `new` says.
fn key(
    text: &str,
    random: &mut Random,
    new: impl Fn(&str, &mut Random) -> String,
) -> Option<String> {
    let name = *random.of(&KEYS)?;
    let mut lines = split(text);
    let starts = |l: &str| {
        content(l).trim_start_matches("- ").strip_prefix(name).is_some_and(|r| r.starts_with(':'))
    };
    let at = pick(&lines, random, starts)?;
    let column = lines[at].find(name)?;
    lines[at].replace_range(column..column + name.len(), &new(name, random));
    Some(lines.concat())
}

pub fn replace_value(text: &str, random: &mut Random) -> Option<String> {
    plain_value(text, random, |_, random| random.of(&VALUES).map(|v| (*v).to_owned()))
}

/// A plain value that `new` replaces.
fn plain_value(
    text: &str,
    random: &mut Random,
    new: impl Fn(&str, &mut Random) -> Option<String>,
) -> Option<String> {
    let mut lines = split(text);
    let at = pick(&lines, random, has_plain_value)?;
    let (key, value, end) = key_value(&lines[at])?;
    lines[at] = format!("{key}{}{end}", new(value, random)?);
    Some(lines.concat())
}

/// A plain value as a literal or folded block, with the indicators that there are.
pub fn block_scalar(text: &str, random: &mut Random) -> Option<String> {
    let header = *random.of(&[
        "|",
        "|-",
        "|+",
        ">",
        ">-",
        ">+",
        "|2",
        "|2-",
        ">2",
        "| # why",
        ">-  ",
        "|2- # why",
        ">1+",
        "|9",
    ])?;
    let mut lines = split(text);
    let at = pick(&lines, random, has_plain_value)?;
    let (key, value, end) = key_value(&lines[at])?;
    let depth = key.len() - key.trim_start_matches([' ', '-']).len() + 2;
    lines[at] = format!("{}{header}\n{:depth$}{value}{end}", key, "");
    Some(lines.concat())
}

/// A value over two lines.
pub fn fold(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at =
        pick(&lines, random, |l| key_value(l).is_some_and(|(_, value, _)| value.contains(' ')))?;
    let (key, value, end) = key_value(&lines[at])?;
    let (first, rest) = value.split_once(' ')?;
    let depth = key.len() - key.trim_start_matches([' ', '-']).len() + 2;
    let blank = if random.once_in(3) { "\n" } else { "" };
    lines[at] = format!("{key}{first}\n{blank}{:depth$}{rest}{end}", "");
    Some(lines.concat())
}

/// The keys below `with:` or `env:` between braces.
pub fn flow_mapping(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at =
        pick(&lines, random, |l| ["with:", "env:", "matrix:", "- with:"].contains(&content(l)))?;
    let end = end_of(&lines, at);
    let inner = braces(&lines[at + 1..end])?;
    let line = lines[at].trim_end_matches(['\r', '\n']).to_owned();
    let last = line_break(&lines[at]).to_owned();
    lines.splice(at..end, [format!("{line} {inner}{last}")]);
    Some(lines.concat())
}

/// A whole step between braces.
pub fn flow_step(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let (first, end) = pick_step(&lines, random)?;
    let depth = indent(&lines[first]);
    let last = line_break(&lines[first]).to_owned();
    let step: Vec<String> =
        lines[first..end].iter().map(|l| l.trim_start_matches([' ', '-']).to_owned()).collect();
    let inner = braces(&step)?;
    lines.splice(first..end, [format!("{:depth$}- {inner}{last}", "")]);
    Some(lines.concat())
}

/// One-line entries as a flow mapping; nothing where one of them is no such line.
fn braces(lines: &[String]) -> Option<String> {
    let mut entries = Vec::new();
    for line in lines.iter().filter(|l| !content(l).is_empty()) {
        let (key, value, _) =
            key_value(line).filter(|(_, value, _)| !value.starts_with(['|', '>']))?;
        let value = if value.contains([',', '{', '}', '#']) && !value.starts_with(['"', '\'']) {
            format!("'{}'", value.replace('\'', "''"))
        } else {
            value.to_owned()
        };
        entries.push(format!("{}{value}", key.trim_start()));
    }
    Some(format!("{{ {} }}", entries.join(", ")))
}

/// A value with a tag, in front of or after an anchor.
pub fn tag(text: &str, random: &mut Random) -> Option<String> {
    let tag =
        *random.of(&["!!str", "!own", "! ", "!!binary", "!!str &t", "&t !!str", "!<tag:x>"])?;
    let mut lines = split(text);
    let at = pick(&lines, random, |l| key_value(l).is_some())?;
    let (key, value, end) = key_value(&lines[at])?;
    lines[at] = format!("{key}{tag} {value}{end}");
    Some(lines.concat())
}

/// A value with an anchor, and an alias to it for another.
pub fn anchor(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let first = pick(&lines, random, has_plain_value)?;
    let (key, value, end) = key_value(&lines[first])?;
    lines[first] = format!("{key}&x {value}{end}");
    let later = pick(&lines[first + 1..], random, has_plain_value);
    if let Some(at) = later.map(|at| first + 1 + at) {
        let (key, _, end) = key_value(&lines[at])?;
        lines[at] = format!("{key}*x{end}");
    }
    Some(lines.concat())
}

/// A second job with the very steps of the first, through an anchor.
pub fn share_steps(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let at = pick(&lines, random, |l| content(l) == "steps:")?;
    let end = lines[at].len() - line_break(&lines[at]).len();
    lines[at].insert_str(end, " &all");
    let depth = indent(&lines[at]);
    let job = depth / 2;
    lines.push(format!(
        "\n{:job$}shared:\n{:depth$}runs-on: ubuntu-latest\n{:depth$}steps: *all\n",
        "", "", ""
    ));
    Some(lines.concat())
}

/// A flaw in the key, restore keys, path or version of a cache step.
pub fn break_cache(text: &str, random: &mut Random) -> Option<String> {
    let mut lines = split(text);
    let words = ["key: ", "nox-", "path: .", "uses: actions/cache"];
    let at = pick(&lines, random, |l| words.iter().any(|w| l.contains(w)))?;
    let line = &lines[at];
    lines[at] = match random.below(6) {
        0 => line.replacen("${{ runner.os }}", "linux", 1),
        1 => line.replacen("hashFiles('noxfile.py'", "hashFiles('no.py'", 1),
        2 => line.replace("${{ env.pythonLocation }}-", ""),
        3 => line.replacen("@v", "@v1.", 1),
        4 => line.replacen(".nox", "elsewhere", 1),
        _ => format!("{}{}", line.split("${{").next()?, line_break(line)),
    };
    Some(lines.concat())
}
