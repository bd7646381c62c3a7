//! [pure] Views of a finished run: result.json and what is made of it.
