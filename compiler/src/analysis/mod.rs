//! What is wrong with a plan as a whole: one question a file, the file is the namespace of its codes.
