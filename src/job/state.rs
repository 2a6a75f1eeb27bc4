//! What the steps of an instance have changed so far: checkouts in the workspace, exported
//! variables.

use crate::actions::context::{Exported, HOME, TEMPORARY, WORKSPACE};
use crate::base::path::join;

/// The folder of temporary files in a workflow.
const TEMPORARY_WRITTEN: &str = "${{ runner.temp }}";

/// A repository in the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// Relative to the workspace; "" is the workspace itself.
    pub folder: String,
    /// The repository under check.
    pub own: bool,
}

#[derive(Debug, Clone, Default)]
pub struct WorkspaceState {
    checkouts: Vec<Checkout>,
    pub exported: Vec<Exported>,
    /// What the step that runs has exported so far.
    pub exporting: Vec<Exported>,
}

/// A folder of the workspace and what it is of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutPlace {
    /// Folder of the checkout, relative to the workspace.
    pub checkout: String,
    /// Folder inside the checkout; "" is its root.
    pub inside: String,
    pub own: bool,
}

impl WorkspaceState {
    /// A later checkout into the same folder replaces the earlier one.
    pub fn check_out(&mut self, folder: String, own: bool) {
        self.checkouts.retain(|c| c.folder != folder);
        self.checkouts.push(Checkout { folder, own });
    }

    /// What is in a workspace folder: the innermost checkout around it. Without any checkout
    /// the workspace is taken as the repository: some other step must have put it there.
    pub fn place(&self, folder: &str) -> CheckoutPlace {
        let around = |c: &&Checkout| {
            c.folder.is_empty()
                || folder == c.folder
                || folder.starts_with(&format!("{}/", c.folder))
        };
        match self.checkouts.iter().filter(around).max_by_key(|c| c.folder.len()) {
            Some(checkout) => CheckoutPlace {
                inside: folder[checkout.folder.len()..].trim_start_matches('/').to_owned(),
                checkout: checkout.folder.clone(),
                own: checkout.own,
            },
            None => CheckoutPlace {
                checkout: String::new(),
                inside: folder.to_owned(),
                own: self.checkouts.is_empty(),
            },
        }
    }
}

/// A path of a workflow as a folder of the workspace, `base` being where it is relative to.
/// `None` when it leaves the workspace.
pub fn in_workspace(base: &str, path: &str) -> Option<String> {
    let path = path.trim();
    match path.strip_prefix(WORKSPACE) {
        Some("") => Some(String::new()),
        Some(rest) => join("", rest.strip_prefix('/')?),
        None => join(base, &path.replace('\\', "/")),
    }
}

/// An absolute path as a step writes it.
pub fn as_written(path: &str) -> String {
    let below = |folder: &str, written: &str| {
        let rest = path.strip_prefix(folder).filter(|rest| rest.starts_with(['/', '\\']));
        rest.map(|rest| format!("{written}{}", rest.replace('\\', "/")))
    };
    let known = below(TEMPORARY, TEMPORARY_WRITTEN).or_else(|| below(HOME, "~"));
    known.unwrap_or_else(|| path.to_owned())
}

/// A path inside a checkout as a path of the workspace.
pub fn prefixed(checkout: &str, path: &str) -> String {
    match (checkout, path) {
        (_, path) if is_outside(path) => as_written(path),
        ("", path) => path.to_owned(),
        (checkout, "") => checkout.to_owned(),
        (checkout, path) => format!("{checkout}/{path}"),
    }
}

/// A pattern relative to a checkout as one of the workspace; a leading `!` stays in front.
pub fn pattern_in(checkout: &str, pattern: &str) -> String {
    match pattern.strip_prefix('!') {
        Some(taken_out) => format!("!{}", prefixed(checkout, taken_out)),
        None => prefixed(checkout, pattern),
    }
}

/// Whether a folder lies outside the workspace: it is absolute, or in the home folder or that of
/// temporary files.
pub fn is_outside(folder: &str) -> bool {
    folder.starts_with('/') || folder.starts_with("~/") || is_temporary(folder)
}

/// Whether a folder is emptied before and after every job.
pub fn is_temporary(folder: &str) -> bool {
    folder.starts_with(TEMPORARY_WRITTEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_checkout_around_a_folder_counts() {
        let mut state = WorkspaceState::default();
        assert!(state.place("docs").own);
        state.check_out("other".into(), false);
        assert!(!state.place("docs").own, "another repository only: the root is not ours");
        state.check_out(String::new(), true);
        assert_eq!(
            state.place("docs"),
            CheckoutPlace { checkout: String::new(), inside: "docs".into(), own: true }
        );
        assert_eq!(
            state.place("other/docs"),
            CheckoutPlace { checkout: "other".into(), inside: "docs".into(), own: false }
        );
        assert_eq!(state.place("others").inside, "others");
    }

    #[test]
    fn workspace_paths() {
        assert_eq!(in_workspace("a", "/github/workspace/b/"), Some("b".into()));
        assert_eq!(in_workspace("a", "../b"), Some("b".into()));
        assert_eq!(in_workspace("a", ".."), Some(String::new()));
        assert_eq!(in_workspace("", "/tmp"), None);
        assert_eq!(in_workspace("", "/github/workspace2"), None);
        assert_eq!(prefixed("sub", "/github/temporary/x"), "${{ runner.temp }}/x");
        assert_eq!(prefixed("sub", "/github/home/.envs"), "~/.envs");
        assert_eq!(prefixed("sub", "/github/homes"), "/github/homes");
    }
}
