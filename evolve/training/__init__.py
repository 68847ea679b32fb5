"""Training is the only place where Caffe runs: in a child process, so that its aborts end no lineage."""
