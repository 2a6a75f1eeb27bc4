//! Scripts of a `package.json`.

use super::wrapper_args::WrapperArgs;
use super::{File, FileScript, Followed};
use crate::base::text::Span;

pub(super) fn follow(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    let Ok(serde_json::Value::Object(package)) = serde_json::from_str(file.text) else {
        out.notes.push(format!("`{}` can't be read", file.path));
        return;
    };
    let Some((name, words)) = args.entry().or_else(|| shorthand(file)) else { return };
    let scripts = package.get("scripts").and_then(serde_json::Value::as_object);
    let of = |name: &str| scripts.and_then(|s| s.get(name)).and_then(serde_json::Value::as_str);
    let Some(main) = of(name) else { return };
    for (key, main_script) in
        [(format!("pre{name}"), false), (name.to_owned(), true), (format!("post{name}"), false)]
    {
        let Some(value) = (if main_script { Some(main) } else { of(&key) }) else { continue };
        let span = place(file.text, &key);
        let mut file_script = FileScript::scalar(
            file.path,
            file.text,
            span,
            value,
            file.own_folder(),
            format!("script `{key}`"),
        );
        if main_script {
            file_script.append(words.iter().copied());
        }
        out.file_scripts.push(file_script);
    }
}

/// `npm test`: the subcommand is the script.
fn shorthand<'a>(file: &File<'a>) -> Option<(&'a str, Vec<&'a crate::shell::Word>)> {
    let words = &file.ask.program.args;
    let at = words.iter().position(|w| w.value.as_deref().is_some_and(|v| !v.starts_with('-')))?;
    Some((words[at].value.as_deref()?, words[at + 1..].iter().collect()))
}

/// Where the script of that name stands: serde_json keeps no places, so its key is looked for
/// after `"scripts"`.
fn place(text: &str, name: &str) -> Span {
    let from = text.find("\"scripts\"").unwrap_or(0);
    let key = serde_json::to_string(name).unwrap_or_default();
    let Some(start) = text[from..].find(&key).map(|at| from + at) else { return Span::at(from) };
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    // Behind the key, so that the value is not taken for it.
    Span::new(start + key.len(), end)
}
