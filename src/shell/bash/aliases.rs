//! Words that a script puts in place of others: `alias`.

use super::BashReader;
use crate::shell::Word;

impl BashReader<'_, '_> {
    /// `alias n='python -m nox'`. Where the shell expands none, the script fails, unless the alias
    /// has the name of a program: then that one runs without what the alias adds.
    pub(super) fn define_aliases(&mut self, words: &[Word]) {
        for word in words {
            let Some((name, text)) = word.value.as_deref().and_then(|v| v.split_once('=')) else {
                continue;
            };
            let plain = !text.contains(['\'', '"', '$', '`', ';', '|', '&', '<', '>', '(']);
            let parts: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            let adds = parts.first().is_some_and(|first| first == name);
            if plain && !parts.is_empty() && (!adds || self.state.expands_aliases) {
                self.aliases.insert(name.to_owned(), parts);
            }
        }
    }

    /// `shopt -s expand_aliases`: bash expands none in a script by itself.
    pub(super) fn shopt(&mut self, words: &[Word]) {
        let has = |text: &str| words.iter().any(|word| word.value.as_deref() == Some(text));
        if has("expand_aliases") && (has("-s") || has("-u")) {
            self.state.expands_aliases = has("-s");
        }
    }
}
