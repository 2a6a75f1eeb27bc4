//! Any text as a noxfile, asked what a plain `nox` would do with it.
#![no_main]

use std::sync::Arc;

use cachelint::tool::nox::noxfile;
use cachelint::tool::{Files, Variable};
use libfuzzer_sys::fuzz_target;

/// A repository of one file.
struct Noxfile<'a>(&'a str);

impl Files for Noxfile<'_> {
    fn read(&self, path: &str) -> Option<Arc<str>> {
        self.is_tracked(path).then(|| Arc::from(self.0))
    }

    fn is_tracked(&self, path: &str) -> bool {
        path == "noxfile.py"
    }

    fn tracked_under(&self, _: &str) -> Vec<String> {
        vec!["noxfile.py".to_owned()]
    }
}

fuzz_target!(|text: &str| {
    let files = Noxfile(text);
    let unset = |_: &str| Variable::Unset;
    assert!(noxfile::Noxfiles::default().read("noxfile.py", &files, &unset).is_some());
    noxfile::has_script_dependencies(text);
});
