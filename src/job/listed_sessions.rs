//! Matrices whose legs are the sessions that another job lists with the tool.

use std::sync::Arc;

use super::state::CheckoutPlace;
use super::timeline::{Here, TimelineBuilder};
use crate::actions::expr::parse_template;
use crate::shell::{Call, Expanded, Shell, Word, calls, commands};
use crate::tool::{Answer, Argument, Listing, Request, Run, Tool, Variable};

impl<'a> TimelineBuilder<'a> {
    /// Where the legs together run the sessions that the tool lists, the job builds what any of these
    /// does.
    pub(super) fn add_listed_sessions(
        &mut self,
        here: Here<'_>,
        run: &mut Arc<Run>,
        place: &CheckoutPlace,
    ) {
        let builds = run.sessions.iter().any(|s| s.creates_env == Answer::Yes);
        if run.creates_env == Answer::Unknown
            && !run.sessions_known
            && builds
            && self.listed_sessions_build(here, place)
        {
            let run = Arc::make_mut(run);
            run.creates_env = Answer::Yes;
            run.why = "the legs are the sessions that another job lists".to_owned();
        }
    }

    fn listed_sessions_build(&mut self, here: Here<'_>, place: &CheckoutPlace) -> bool {
        let scripts = self.listing_scripts();
        if !self.spend(here, scripts.iter().map(|script| script.len()).sum()) {
            return false;
        }
        let tool = self.repository.answers.tool();
        let lists: Vec<Listing> =
            scripts.into_iter().flat_map(|script| lists_in(script, tool)).collect();
        // Which of several lists a matrix holds is not known: what each of them names must build
        // something.
        let mut builds = |listing: &Listing| {
            let env = |_: &str| Variable::Unset;
            let files = self.files(place);
            let request = Request {
                args: &listing.args,
                env: &env,
                folder: &place.inside,
                script: None,
                files,
            };
            let answer = self.ask(&request, place);
            self.spend_answer(here, answer).map_or(Answer::Unknown, |run| run.creates_env)
        };
        lists.iter().any(|listing| !listing.chooses)
            || Answer::one_of(lists.iter().map(&mut builds)) == Answer::Yes
    }

    /// The scripts of the jobs whose outputs the matrix holds; nothing where all legs are known.
    fn listing_scripts(&self) -> Vec<&'a str> {
        let document = &self.repository.documents[self.instance.job_ref.document];
        let Some((workflow, matrix)) =
            document.workflow().zip(self.job.and_then(|j| j.matrix.as_ref()))
        else {
            return Vec::new();
        };
        let leg = &self.instance.leg;
        if !leg.incomplete && leg.values.iter().all(|(_, value)| value.known().is_some()) {
            return Vec::new();
        }
        let texts = matrix.texts(&document.tree);
        let paths = texts
            .iter()
            .filter_map(|text| parse_template(text).ok())
            .flat_map(|template| template.paths());
        let jobs: Vec<_> = paths
            .filter_map(|path| workflow.jobs.iter().find(|j| is_output_of(&path, &j.id)))
            .collect();
        let scripts = jobs.into_iter().flat_map(|j| &j.steps.steps).filter_map(|s| s.run.as_ref());
        scripts.map(|script| script.text.as_str()).collect()
    }
}

/// Whether a context path is `needs.<job>.outputs` or below.
fn is_output_of(path: &[String], job: &str) -> bool {
    let start = ["needs", job, "outputs"];
    path.len() >= start.len()
        && path.iter().zip(start).all(|(part, expected)| part.eq_ignore_ascii_case(expected))
}

/// What the calls in a script list for programs.
fn lists_in(script: &str, tool: &dyn Tool) -> Vec<Listing> {
    let read = commands(&Shell::Bash, &Expanded::new(script, &[]), &|_| None);
    let listing = |call: Call| {
        let known = |word: &Word| word.value.clone().map(Argument::known);
        tool.listing(&call.args.iter().map(known).collect::<Option<Vec<_>>>()?)
    };
    read.iter().flat_map(|command| calls(command, tool.name())).filter_map(listing).collect()
}

#[cfg(test)]
mod tests {
    use super::{is_output_of, lists_in};
    use crate::actions::expr::parse_template;

    #[test]
    fn scripts_that_list_sessions_and_whether_they_choose() {
        for (script, expected) in [
            (
                "echo \"s=$(uvx nox --list --json | jq -c '[.[].session]')\" >> $GITHUB_OUTPUT",
                vec![false],
            ),
            ("echo >>$GITHUB_OUTPUT s=$(\n  nox --list-sessions --json | jq .\n)", vec![false]),
            ("echo s=$(nox --json -l -t ui | jq .)", vec![true]),
            ("nox -l", vec![]),
            ("echo s='[\"a\"]'", vec![]),
        ] {
            let answers = crate::tool::known();
            let lists = lists_in(script, answers.tool());
            assert_eq!(
                lists.iter().map(|listing| listing.chooses).collect::<Vec<_>>(),
                expected,
                "{script}"
            );
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
