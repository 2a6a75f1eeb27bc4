//! Local hooks of pre-commit.

use super::wrapper_args::WrapperArgs;
use super::{File, FileScript, Followed};
use crate::base::text::Text;
use crate::shell::word::quoted;
use crate::yaml::parse;

pub(super) fn follow(file: &File<'_>, args: &WrapperArgs<'_>, out: &mut Followed) {
    let Ok(text) = Text::new(file.path, file.text.as_bytes().to_vec()) else { return };
    let Some((tree, root)) =
        parse(&text).ok().and_then(|tree| tree.root().map(|root| (tree, root)))
    else {
        out.notes.push(format!("`{}` can't be read", file.path));
        return;
    };
    let wanted = args.operands.first().map(|w| w.value.as_deref());
    let repositories = tree.get(root, "repos").map(|repos| tree.items(repos)).unwrap_or_default();
    let local = repositories
        .iter()
        .filter(|r| tree.get(r.node, "repo").and_then(|n| tree.str(n)) == Some("local"));
    for hook in local.filter_map(|r| tree.get(r.node, "hooks")).flat_map(|hooks| tree.items(hooks))
    {
        let field = |name: &str| tree.get(hook.node, name).and_then(|n| tree.str(n));
        let (Some(id), Some(entry), Some(node)) =
            (field("id"), field("entry"), tree.get(hook.node, "entry"))
        else {
            continue;
        };
        let named = [Some(id), field("alias")].contains(&wanted.flatten());
        // Hooks of other stages run only when they are asked for by that stage.
        let staged = tree.get(hook.node, "stages").is_some_and(|stages| {
            !tree
                .items(stages)
                .iter()
                .any(|s| matches!(tree.str(s.node), Some("pre-commit" | "commit")))
        });
        if (wanted.is_some() && !named) || (wanted.is_none() && staged) {
            continue;
        }
        let span = tree.span(tree.resolve(node));
        let mut file_script = FileScript::scalar(
            file.path,
            text.as_str(),
            span,
            entry,
            file.own_folder(),
            format!("hook `{id}`"),
        );
        for argument in tree.get(hook.node, "args").map(|args| tree.items(args)).unwrap_or_default()
        {
            file_script.script.push(' ');
            file_script.script.push_str(&quoted(tree.str(argument.node).unwrap_or_default()));
        }
        // A hook without matching files is skipped.
        file_script.conditional = wanted.is_none() && field("always_run") != Some("true");
        out.file_scripts.push(file_script);
    }
}
