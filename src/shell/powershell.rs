//! powershell
