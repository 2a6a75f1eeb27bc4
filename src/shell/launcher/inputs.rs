//! Words that a launcher gives to the program beyond those on its command line: `xargs`, `parallel`.

use crate::base::text::Span;
use crate::shell::word::{Word, WordPart};

/// The words of the program: `appends` others to them, `mark` is the word after which these stand.
pub(super) fn given(args: &[Word], appends: bool, mark: Option<&str>) -> Vec<Word> {
    match (appends, mark) {
        (false, _) => args.to_vec(),
        (true, None) => appended(args),
        (true, Some(mark)) => filled_in(args, mark),
    }
}

/// Whether a whole command is in one word.
pub(super) fn is_script(word: &Word) -> bool {
    word.value.as_deref().is_some_and(|text| text.contains([' ', '{']))
}

/// Words to which a launcher adds others: at the end, and in place of every `{}`.
fn appended(args: &[Word]) -> Vec<Word> {
    let unknown =
        |raw: &str, span: Span| Word::new(raw, span, vec![WordPart::computed(None, span, false)]);
    let filled = args.iter().map(|word| {
        if word.raw.contains("{}") { unknown(&word.raw, word.span) } else { word.clone() }
    });
    let end = args.last().map_or(Span::at(0), |word| Span::at(word.span.end));
    filled.chain([unknown("", end)]).collect()
}

/// Words before `mark` with each of those after it in turn: in place of `{}`, else at the end.
fn filled_in(args: &[Word], mark: &str) -> Vec<Word> {
    let is_mark = |word: &Word| word.raw.starts_with(mark);
    let at = args.iter().position(is_mark).unwrap_or(args.len());
    let (own, inputs) = args.split_at(at);
    let inputs = inputs.get(1..).unwrap_or_default();
    // Several lists of inputs meet in many ways.
    let plain = args.get(at).is_some_and(|word| word.raw == mark) && !inputs.iter().any(is_mark);
    let choices: Option<Vec<String>> =
        inputs.iter().filter(|_| plain).map(|word| word.value.clone()).collect();
    let input = |raw: &str, span: Span| {
        let choices = choices.clone().unwrap_or_default();
        let part = WordPart { choices, ..WordPart::computed(None, span, plain) };
        Word::new(raw, span, vec![part])
    };
    let unknown = |word: &Word| {
        Word::new(&word.raw, word.span, vec![WordPart::computed(None, word.span, plain)])
    };
    let holds_input = |word: &Word| word.raw.contains('{');
    let mut filled: Vec<Word> = own
        .iter()
        .map(|word| match word.raw.as_str() {
            "{}" => input("{}", word.span),
            _ if holds_input(word) => unknown(word),
            _ => word.clone(),
        })
        .collect();
    if !own.iter().any(holds_input) {
        let end = own.last().map_or(Span::at(0), |word| Span::at(word.span.end));
        filled.push(input("", end));
    }
    filled
}
