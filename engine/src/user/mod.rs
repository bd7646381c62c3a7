//! [pure] A virtual user: requests rendered from slots, answers checked, values captured.
