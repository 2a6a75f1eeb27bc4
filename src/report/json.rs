//! A report as one JSON object; what the logs do not say is `null`.

use std::io::{self, Write};

use super::ReportJson;
use crate::base::printable::write_json;

pub fn write(report: &ReportJson, out: &mut dyn Write) -> io::Result<()> {
    write_json(out, report)
}
