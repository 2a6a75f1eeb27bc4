//! Matrices whose legs are the sessions that another job lists with nox.

use std::sync::Arc;

use super::build::Walk;
use crate::expr::parse_template;
use crate::rules::nox::Meaning;
use crate::shell::{Expanded, Shell, calls, commands};
use crate::tool::nox::argv;
use crate::tool::{Answer, Argument, Run};

impl Walk<'_> {
    /// Where the legs together run every session that nox lists, the job builds what any of them does.
    pub(super) fn add_listed(&self, run: &mut Arc<Run>) {
        let builds = run.sessions.iter().any(|s| s.creates_env == Answer::Yes);
        if run.creates_env == Answer::Unknown && !run.sessions_known && builds && self.legs_are_listed() {
            let run = Arc::make_mut(run);
            run.creates_env = Answer::Yes;
            run.why = "the legs are the sessions that another job lists".to_owned();
        }
    }

    fn legs_are_listed(&self) -> bool {
        let document = &self.repository.documents[self.instance.unit.document];
        let Some((workflow, matrix)) = document.workflow().zip(self.job.and_then(|j| j.matrix.as_ref())) else {
            return false;
        };
        let leg = &self.instance.leg;
        if !leg.open && leg.values.iter().all(|(_, value)| value.known().is_some()) {
            return false;
        }
        let texts = matrix.texts(&document.tree);
        let paths = texts.iter().filter_map(|text| parse_template(text).ok()).flat_map(|template| template.paths());
        let jobs: Vec<_> = paths.filter_map(|path| workflow.jobs.iter().find(|j| is_output_of(&path, &j.id))).collect();
        let scripts = jobs.iter().flat_map(|j| &j.steps.steps).filter_map(|s| s.run.as_ref());
        scripts.into_iter().any(|script| lists_all(&script.text))
    }
}

/// Whether a context path is `needs.<job>.outputs` or below.
fn is_output_of(path: &[String], job: &str) -> bool {
    let start = ["needs", job, "outputs"];
    path.len() >= start.len() && path.iter().zip(start).all(|(part, expected)| part.eq_ignore_ascii_case(expected))
}

/// Whether a script lists every session of the noxfile for programs.
fn lists_all(script: &str) -> bool {
    const CHOOSING: [Meaning; 4] = [Meaning::Sessions, Meaning::Tags, Meaning::Keywords, Meaning::Pythons];
    let read = commands(&Shell::Bash, &Expanded::new(script, &[]), &|_| None);
    read.iter().flat_map(|command| calls(command, "nox")).any(|call| {
        let args: Option<Vec<Argument>> = call.args.iter().map(|w| w.value.clone().map(Argument::known)).collect();
        let line = args.map(|args| argv::parse(&args));
        line.is_some_and(|l| l.has(Meaning::List) && l.has(Meaning::Json) && !CHOOSING.iter().any(|c| l.has(*c)))
    })
}

#[cfg(test)]
mod tests {
    use super::{is_output_of, lists_all};
    use crate::expr::parse_template;

    #[test]
    fn scripts_that_list_every_session() {
        for (script, expected) in [
            ("echo \"s=$(uvx nox --list --json | jq -c '[.[].session]')\" >> $GITHUB_OUTPUT", true),
            ("echo >>$GITHUB_OUTPUT s=$(\n  nox --list-sessions --json | jq .\n)", true),
            ("echo s=$(nox --json -l -t ui | jq .)", false),
            ("nox -l", false),
            ("echo s='[\"a\"]'", false),
        ] {
            assert_eq!(lists_all(script), expected, "{script}");
        }
    }

    #[test]
    fn outputs_of_a_job() {
        for (text, expected) in [
            ("${{ fromJSON(needs.list.outputs.sessions) }}", true),
            ("${{ fromJSON(needs['list'].outputs['sessions']) }}", true),
            ("${{ toJSON(needs.list.outputs) }}", true),
            ("${{ needs.list.result }}", false),
            ("${{ fromJSON(needs.other.outputs.sessions) }}", false),
            ("needs.list.outputs.sessions", false),
            ("${{ 'needs.list.outputs.sessions' }}", false),
        ] {
            let paths = parse_template(text).unwrap().paths();
            assert_eq!(paths.iter().any(|path| is_output_of(path, "list")), expected, "{text}");
        }
    }
}
