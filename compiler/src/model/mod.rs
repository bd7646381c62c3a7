//! Tree → typed plan: one file for each section of the language.
