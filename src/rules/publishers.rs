//! What publishes, from `rules/publishers.yaml`.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publishers {
    pub actions: Vec<PublishingAction>,
    pub commands: Vec<PublishingCommand>,
    /// Events that run with the default branch's cache without being trusted.
    pub low_trust_events: Vec<String>,
    pub release_events: Vec<String>,
    /// Variables and secrets that hold the right to upload: what has them set publishes. A `*`
    /// matches anything.
    credentials: Vec<Credential>,
    /// Parts of the names of environments of the forge from which packages are published.
    pub environments: Vec<String>,
    /// Options with which a command only shows what it would publish.
    dry: Vec<String>,
    /// Package managers of Node with the words after which they run a program of a package.
    node_runners: Vec<Vec<String>>,
    /// Words that may come before the program in a command of a session.
    pub runners: Vec<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishingAction {
    pub action: String,
    /// A clause for messages: "uploads to a package index".
    pub what: String,
    /// Does not publish when this input has one of `unless_values` (the empty one: when it is
    /// absent).
    pub unless_input: Option<String>,
    #[serde(default)]
    pub unless_values: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishingCommand {
    /// The program and its sub-commands.
    pub words: Vec<String>,
    /// An option without which it publishes nothing.
    #[serde(default)]
    needs: Option<String>,
    /// Publishes when no sub-command comes after it.
    #[serde(default)]
    alone: bool,
    pub what: String,
}

/// The name of a variable or a secret; a `*` in it was taken apart when it was read, because every
/// variable of every step is compared.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
struct Credential {
    start: String,
    /// After the `*`, where there is one.
    end: Option<String>,
}

impl From<String> for Credential {
    fn from(name: String) -> Self {
        match name.split_once('*') {
            Some((start, end)) => Self { start: start.to_owned(), end: Some(end.to_owned()) },
            None => Self { start: name, end: None },
        }
    }
}

impl Credential {
    fn matches(&self, name: &str) -> bool {
        let Some(end) = &self.end else { return name.eq_ignore_ascii_case(&self.start) };
        let is = |part: Option<&str>, known: &String| {
            part.is_some_and(|part| part.eq_ignore_ascii_case(known))
        };
        name.len() >= self.start.len() + end.len()
            && is(name.get(..self.start.len()), &self.start)
            && is(name.get(name.len() - end.len()..), end)
    }
}

static DATA: LazyLock<Publishers> = LazyLock::new(|| super::embedded!("publishers"));

pub fn publishers() -> &'static Publishers {
    &DATA
}

impl Publishers {
    /// What an action publishes; `input` gives the value of one of its inputs.
    pub fn action(&self, action: &str, input: impl Fn(&str) -> Option<String>) -> Option<&str> {
        let known = self.actions.iter().find(|a| super::is_action(&a.action, action))?;
        if let Some(name) = &known.unless_input {
            let value = input(name).unwrap_or_default();
            if known.unless_values.contains(&value) {
                return None;
            }
        }
        Some(&known.what)
    }

    /// What a command of a session publishes.
    pub fn words(&self, words: &[&str]) -> Option<&str> {
        let (program, arguments) = self.run_by(words).split_first()?;
        self.command(program, arguments)
    }

    /// Whether more words can make a command of a session one that publishes.
    pub fn may_become(&self, words: &[&str]) -> bool {
        let Some((program, arguments)) = self.run_by(words).split_first() else { return false };
        let plain: Vec<&&str> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
        self.commands.iter().any(|command| {
            let begins = command.words[1..].iter().zip(&plain).all(|(word, given)| word == *given);
            command.words[0] == *program && plain.len() < command.words.len() && begins
        })
    }

    /// The words without what runs them.
    fn run_by<'w, 'a>(&self, words: &'w [&'a str]) -> &'w [&'a str] {
        let mut rest = words;
        let runs = |runner: &&Vec<String>, rest: &[&str]| {
            runner.len() < rest.len() && runner.iter().zip(rest).all(|(a, b)| a == b)
        };
        while let Some(runner) = self.runners.iter().find(|runner| runs(runner, rest)) {
            rest = &rest[runner.len()..];
        }
        rest
    }

    /// Whether a variable or a secret of this name holds the right to upload. The forge does not
    /// distinguish case in the names of secrets.
    pub fn is_credential(&self, name: &str) -> bool {
        self.credentials.iter().any(|known| known.matches(name))
    }

    /// The secret with the right to upload that a value of a workflow is: `secrets.NAME` or
    /// `secrets['NAME']`.
    pub fn credential_in<'v>(&self, value: &'v str) -> Option<&'v str> {
        const CONTEXT: &str = "secrets";
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts = memchr::memchr2_iter(b's', b'S', value.as_bytes());
        let mut names = starts.filter_map(|at| {
            let (context, rest) = value[at..].split_at_checked(CONTEXT.len())?;
            if !context.eq_ignore_ascii_case(CONTEXT) {
                return None;
            }
            let rest = rest.trim_start();
            let name = match rest.strip_prefix('[') {
                Some(index) => index.trim_start().strip_prefix('\'')?,
                None => rest.strip_prefix('.')?.trim_start(),
            };
            name.split(|c| !part(c)).next()
        });
        names.find(|name| self.is_credential(name))
    }

    /// Whether an environment of the forge is there to publish, by its name.
    pub fn is_environment(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.environments.iter().any(|part| name.contains(part.as_str()))
    }

    /// What a command publishes: its program and, options passed over, its sub-commands.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Option<&str> {
        let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
        if arguments.iter().any(|argument| self.dry.iter().any(|dry| dry == argument)) {
            return None;
        }
        self.known(program, arguments).or_else(|| self.run_by_node(program, arguments))
    }

    /// What a program of a package publishes that a package manager of Node runs: `npx
    /// semantic-release@24`, `pnpm dlx -p x semantic-release`.
    fn run_by_node(&self, program: &str, arguments: &[&str]) -> Option<&str> {
        let rest = self.node_runners.iter().find_map(|own| after(own, program, arguments))?;
        // An option may have a value: the program is the first word after all of them, or the one
        // after that.
        let is_option = |at: usize| rest[at].starts_with('-');
        let first = (0..rest.len()).find(|at| !is_option(*at) && (*at == 0 || !is_option(at - 1)));
        let candidates = (0..=first.unwrap_or(rest.len())).take_while(|at| *at < rest.len());
        candidates.filter(|at| !is_option(*at)).find_map(|at| {
            let name = rest[at];
            let version = name.get(1..).and_then(|rest| rest.find('@'));
            let name = version.map_or(name, |at| &name[..=at]);
            let arguments = &rest[at + 1..];
            let by_npx: Vec<&str> = [name].into_iter().chain(arguments.iter().copied()).collect();
            self.known(name, arguments).or_else(|| self.known("npx", &by_npx))
        })
    }

    fn known(&self, program: &str, arguments: &[&str]) -> Option<&str> {
        let known = self.commands.iter().find(|c| {
            c.words.first().is_some_and(|w| w == program)
                && (!c.alone || is_alone(arguments))
                && {
                    let mut plain = arguments.iter().filter(|a| !a.starts_with('-'));
                    c.words[1..].iter().all(|wanted| plain.next() == Some(&wanted.as_str()))
                }
                && c.needs.as_deref().is_none_or(|option| {
                    let is_set = |rest: &str| rest.is_empty() || rest == "=true";
                    arguments.iter().any(|a| a.strip_prefix(option).is_some_and(is_set))
                })
        })?;
        Some(&known.what)
    }
}

/// The arguments after the words of a runner, options passed over.
fn after<'w, 'a>(
    runner: &[String],
    program: &str,
    arguments: &'w [&'a str],
) -> Option<&'w [&'a str]> {
    let (own, words) = runner.split_first()?;
    let mut rest = arguments;
    for word in words {
        let at = rest.iter().position(|argument| !argument.starts_with('-'))?;
        (rest[at] == word).then_some(())?;
        rest = &rest[at + 1..];
    }
    (own == program).then_some(rest)
}

/// Whether no sub-command is among these: each word is an option, or comes after one.
fn is_alone(arguments: &[&str]) -> bool {
    let is_option = |at: usize| arguments[at].starts_with('-');
    (0..arguments.len()).all(|at| is_option(at) || at > 0 && is_option(at - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_actions_that_publish() {
        let data = publishers();
        assert!(data.command("twine", &["upload", "dist/*"]).is_some());
        assert!(data.command("uv", &["--quiet", "publish"]).is_some());
        assert!(data.command("twine", &["check", "dist/*"]).is_none());
        assert!(data.command("uv", &["pip", "install", "publish"]).is_none());
        assert!(data.command("uv", &["publish", "--dry-run"]).is_none());
        assert!(data.command("npx", &["semantic-release"]).is_some());
        assert!(data.command("semantic-release", &["version", "--print"]).is_none());
        for (line, publishes) in [
            ("npx semantic-release@24", true),
            ("npx --yes semantic-release@24.2.0", true),
            ("npx -p x semantic-release", true),
            ("npx -p x -p @semantic-release/git semantic-release", true),
            ("npx --package=x semantic-release --dry-run", false),
            ("npx @acme/semantic-release@1", false),
            ("npx prettier semantic-release", false),
            ("npx -y wrangler@4 deploy", true),
            ("pnpm dlx semantic-release", true),
            ("pnpm --silent dlx semantic-release@24", true),
            ("yarn dlx semantic-release", true),
            ("pnpm install semantic-release", false),
            ("semantic_release publish", true),
            ("semantic_release changelog", false),
            ("goreleaser", true),
            ("goreleaser --clean", true),
            ("goreleaser -f ci.yaml --clean", true),
            ("goreleaser --clean --snapshot", false),
            ("goreleaser release --snapshot", false),
            ("goreleaser check", false),
            ("goreleaser build --clean", false),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(data.command(words[0], &words[1..]).is_some(), publishes, "{line}");
        }
        assert!(data.words(&["python", "-m", "semantic_release", "publish"]).is_some());
        assert!(data.action("docker/build-push-action", |_| None).is_none());
        assert!(data.action("docker/build-push-action", |_| Some("true".into())).is_some());
        assert!(data.action("PyPA/gh-action-pypi-publish", |_| None).is_some());
        assert!(data.words(&["python", "-m", "twine", "upload", "dist/*"]).is_some());
        assert!(data.words(&["uv", "run", "flit", "publish"]).is_some());
        assert!(data.words(&["python", "-m", "pytest", "upload"]).is_none());
        assert!(data.words(&["twine", "check", "upload"]).is_none());
        assert!(data.words(&["docker", "buildx", "build", "--push", "."]).is_some());
        assert!(data.words(&["docker", "buildx", "build", "--push=false", "."]).is_none());
        assert!(data.words(&["docker", "build", "-t", "x", "."]).is_none());
        let forgejo = |way: &str| data.action("actions/forgejo-release", |_| Some(way.into()));
        assert!(forgejo("upload").is_some() && forgejo("download").is_none());
        assert!(data.is_credential("POETRY_PYPI_TOKEN_PYPI"));
        assert!(!data.is_credential("CODECOV_TOKEN"));
        let name = Credential::from("A_*_B".to_owned());
        assert!(name.matches("a__b") && !name.matches("A_B"), "the parts don't overlap");
        assert!(data.is_credential("POETRY_HTTP_BASIC_PYPI_PASSWORD"));
        assert!(data.is_credential("TEST_PYPI_API_TOKEN") && data.is_credential("TESTPYPI_TOKEN"));
        assert!(!data.is_credential("TEST_PYPI_INDEX_URL") && !data.is_credential("TESTPYPI_URL"));
        assert!(!data.is_credential("POETRY_HTTP_BASIC_MIRROR_PASSWORD"));
        for (words, may) in [
            (&["twine"][..], true),
            (&["python", "-m", "twine"], true),
            (&["docker", "buildx"], true),
            (&["docker", "compose", "up"], false),
            (&["twine", "check"], false),
            (&["pytest"], false),
        ] {
            assert_eq!(data.may_become(words), may, "{words:?}");
        }
        for (value, secret) in [
            ("${{ secrets.PYPI_API_TOKEN }}", Some("PYPI_API_TOKEN")),
            ("${{ secrets.pypi_api_token }}", Some("pypi_api_token")),
            ("${{ Secrets['PYPI_API_TOKEN'] }}", Some("PYPI_API_TOKEN")),
            ("${{ secrets[ 'CODECOV_TOKEN' ] || secrets.Pypi_Token }}", Some("Pypi_Token")),
            ("${{ secrets.CODECOV_TOKEN }}", None),
            ("${{ secrets[matrix.secret] }}", None),
        ] {
            assert_eq!(data.credential_in(value), secret, "{value}");
        }
        assert!(data.is_environment("release-testpypi") && !data.is_environment("staging"));
    }
}
