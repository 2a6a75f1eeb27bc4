//! noxfile
