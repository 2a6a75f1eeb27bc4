//! A long value on several lines, for repositories whose linter limits the length of lines.

use super::quote::must_be_escaped;

/// What begins a folded block: YAML joins its lines by single spaces.
pub const HEADER: &str = ">-";

/// The lines of a folded block that YAML reads as `text`, each at most `width` characters where its
/// words are; `None` where folding would change the text.
pub fn folded(text: &str, width: usize) -> Option<Vec<String>> {
    if text.split(' ').any(str::is_empty) || text.contains(must_be_escaped) {
        return None;
    }
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_block_is_read_as_the_text() {
        let key = "nox-tests-${{ env.pythonLocation }}-${{ hashFiles('noxfile.py', 'uv.lock') }}";
        let command = "echo \"week=$(date +%G-%V)\" >> \"$GITHUB_OUTPUT\"";
        for (text, width) in [(key, 40), (key, 60), (key, 1), (command, 20)] {
            let lines = folded(text, width).unwrap();
            let block = format!("key: {HEADER}\n  {}\n", lines.join("\n  "));
            let read: serde_yaml::Value = serde_yaml::from_str(&block).unwrap();
            assert_eq!(read["key"].as_str(), Some(text), "{block}");
            assert!(lines.iter().all(|l| l.len() <= width || !l.contains(' ')), "{block}");
        }
        for text in ["two  blanks that a folded block would not keep", "a tab\there", ""] {
            assert_eq!(folded(text, 40), None, "{text}");
        }
        assert_eq!(folded("in one line", 40).unwrap(), ["in one line"]);
    }
}
