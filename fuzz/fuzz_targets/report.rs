//! Any bytes as the log of a run: a report, or the reason why there is none.
#![no_main]

use std::path::PathBuf;

use cachelint::report::{ReportArgs, ReportFormat, run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for output_format in [ReportFormat::Table, ReportFormat::Markdown, ReportFormat::Json] {
        let args = ReportArgs { paths: vec![PathBuf::from("-")], output_format, ..ReportArgs::default() };
        let mut out = Vec::new();
        let done = run(&args, &mut &*bytes, &mut out);
        assert!(done.is_ok() || out.is_empty(), "half a report");
        assert!(std::str::from_utf8(&out).is_ok());
    }
});
