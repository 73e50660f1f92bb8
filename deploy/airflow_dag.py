"""A nightly run as an Airflow DAG. Submitting the job remains a person's decision.

Exit code 4 (a source or the destination failed) is retried; every other failure is final.
"""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import dag, task

HOME = "/srv/bedrock-prep"
COMMAND = [
    f"{HOME}/.venv/bin/bedrock-prep",
    "prepare",
    "recipe.yaml",
    "--output",
    "s3://your-bucket/tea",
    "--log",
    "json",
]
FINAL = {
    1: "a bug in bedrock-prep: the traceback is in the log",
    2: "the recipe or the command line is wrong",
    3: "the data does not meet the gate or a model's limits: see the report that the log names",
    5: "another run is using the output",
}


@dag(
    schedule="30 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["bedrock"],
)
def bedrock_prep() -> None:
    """Prepare the training data every night."""

    @task(retries=3, retry_delay=timedelta(minutes=15), execution_timeout=timedelta(hours=4))
    def prepare() -> None:
        code = subprocess.run(COMMAND, cwd=HOME, check=False).returncode
        if code in FINAL:
            raise AirflowFailException(FINAL[code])
        if code:
            raise AirflowException(f"bedrock-prep ended with exit code {code}: will be retried")

    prepare()


bedrock_prep()
