"""`python -m pipeline` is the same as the console script `bedrock-prep`."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
