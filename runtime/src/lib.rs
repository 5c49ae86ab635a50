//! Tensors, files, micro-kernels and the thread pool behind compiled programs.
