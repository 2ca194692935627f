"""What `lossconditioning` can be told to do, by what it is about; `cli` puts it together."""
