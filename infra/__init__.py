"""The CDK constructs, one file each, named for what it offers."""
