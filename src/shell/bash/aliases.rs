//! Words that a script puts in place of others: `alias`.

use super::BashReader;
use crate::shell::Word;

impl BashReader<'_, '_> {
    /// `alias n='python -m nox'`. Where the shell expands none, the script fails.
    pub(super) fn define_aliases(&mut self, words: &[Word]) {
        for word in words {
            let Some((name, text)) = word.value.as_deref().and_then(|v| v.split_once('=')) else {
                continue;
            };
            let plain = !text.contains(['\'', '"', '$', '`', ';', '|', '&', '<', '>', '(']);
            let parts: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            if plain && !parts.is_empty() {
                self.aliases.insert(name.to_owned(), parts);
            }
        }
    }
}
