//! Files of a repository to findings.
