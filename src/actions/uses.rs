//! The parts of a `uses:` value.

/// `https://host/owner/repo/path@ref`, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uses<'a> {
    /// `https://data.forgejo.org/` where the forge is named, else empty.
    pub prefix: &'a str,
    /// `actions/cache/restore`: owner, repository and the folder in it.
    pub name: &'a str,
    pub reference: &'a str,
}

impl<'a> Uses<'a> {
    /// Takes a published action apart; `None` for `./local` and `docker://image` ones.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with(['.', '$', '/']) || text.starts_with("docker://") {
            return None;
        }
        let (whole, reference) = text.rsplit_once('@')?;
        let (prefix, name) = match whole.find("://") {
            Some(scheme) => {
                let host_end = scheme + 3 + whole[scheme + 3..].find('/')? + 1;
                whole.split_at(host_end)
            }
            None => ("", whole),
        };
        let name = name.trim_end_matches('/');
        (name.contains('/') && !reference.is_empty()).then_some(Self { prefix, name, reference })
    }

    /// A full commit id.
    pub fn is_pinned(&self) -> bool {
        self.reference.len() == 40 && self.reference.bytes().all(|b| b.is_ascii_hexdigit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_actions_are_taken_apart_and_others_left() {
        for (text, parts) in [
            ("actions/cache@v4", Some(("", "actions/cache", "v4"))),
            ("actions/cache/restore@v4.2.0", Some(("", "actions/cache/restore", "v4.2.0"))),
            (
                "https://data.forgejo.org/actions/cache@v4",
                Some(("https://data.forgejo.org/", "actions/cache", "v4")),
            ),
            ("./.github/actions/x", None),
            ("$/.github/actions/x", None),
            ("docker://alpine:3@sha256:1", None),
            ("actions/cache", None),
            ("cache@v1", None),
        ] {
            assert_eq!(Uses::parse(text).map(|u| (u.prefix, u.name, u.reference)), parts, "{text}");
        }
    }
}
