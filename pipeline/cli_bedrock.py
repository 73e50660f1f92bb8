"""The commands that talk to AWS, thin: publish, submit, status, policy, doctor.

`pipeline.cli` takes them in by `app.add_typer(bedrock_commands)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipeline.cli_options import ChangeOption, EndpointOption, JsonOption, RunArgument, echo

if TYPE_CHECKING:
    from pipeline.commands.submit import Connection

app = typer.Typer()

RegionOption = Annotated[
    str | None, typer.Option(help="AWS Region.  [default: the environment's or the profile's]")
]
StateOption = Annotated[
    str | None, typer.Option(metavar="S3_URI", help="The prefix of `prepare --state`.")
]


@app.command(epilog="Example: `bedrock-prep publish out/lotus-pairs s3://bucket/pairs`")
def publish(
    run: RunArgument,
    destination: Annotated[str, typer.Argument(metavar="S3_URI", help="An s3:// prefix.")],
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=64, help="Requests under way at once.  [default: 8]")
    ] = None,
    max_bandwidth: Annotated[
        str | None, typer.Option(help="Most bytes a second: 20MB.  [default: no limit]")
    ] = None,
    give_up_after: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds for which a call is retried.  [default: 300]"),
    ] = None,
    stall_after: Annotated[
        float | None,
        typer.Option(
            min=0.1, help="Seconds without a byte after which a call is retried.  [default: 60]"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Upload a local run to S3, verified against its manifest, and point LATEST to it."""
    from pipeline.commands.publish import publish_run
    from pipeline.prepare import parse_size
    from pipeline.publish import as_json as to_json

    published = publish_run(
        run,
        destination,
        region,
        endpoint_url,
        lambda note: typer.echo(note, err=True),
        concurrency=concurrency,
        give_up_after=give_up_after,
        stall_after=stall_after,
        max_bandwidth=parse_size(max_bandwidth, "--max-bandwidth") if max_bandwidth else None,
    )
    echo(to_json(published.as_json()).decode().rstrip() if as_json else published.uri)


@app.command(epilog="Example: `bedrock-prep abort s3://bucket/pairs`")
def abort(
    destination: Annotated[str, typer.Argument(metavar="S3_URI", help="An s3:// prefix.")],
    owner: Annotated[
        str | None, typer.Option(help="The account that the bucket must belong to.")
    ] = None,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Remove the unfinished uploads that dead runs have left below an S3 prefix."""
    from pipeline.commands.publish import abort_pending

    for uri in abort_pending(destination, region, endpoint_url, owner):
        echo(uri)


@app.command(
    epilog="Examples: `bedrock-prep submit out/lotus-pairs --dry-run` · `bedrock-prep submit "
    "s3://bucket/pairs --target assistant --wait`"
)
def submit(
    run: RunArgument,
    target: Annotated[str | None, typer.Option(help="A target.  [default: the only one]")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the job has ended.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, start nothing, print the request.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Start a new job if the last one has failed or was stopped."),
    ] = False,
    interval: Annotated[
        float, typer.Option(min=1, help="Seconds between requests to Bedrock.")
    ] = 30.0,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
    allow_legacy: Annotated[
        bool, typer.Option("--allow-legacy", help="Submit even for a model that takes no new jobs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Start the customization job of a published run, once; print its ARN."""
    from pipeline.commands.submit import Connection, plan_job, submit_plan
    from pipeline.publish import as_json as to_json

    connection = Connection(region, endpoint_url)
    plan = plan_job(run, target, connection, allow_legacy)
    for note in plan.notes:
        typer.echo(f"note: {note}", err=True)
    if dry_run:
        echo(to_json(plan.as_json()).decode(), nl=False)
        return
    job = submit_plan(plan, connection, again)
    if not job.started:
        typer.echo(f"{job.job_name}: was started before; it is {job.status}", err=True)
    if wait:
        typer.echo(job.job_arn, err=True)
        _print_job(job.job_arn, Connection(job.region, endpoint_url), True, interval, as_json)
    else:
        echo(to_json(job.as_json()).decode().rstrip() if as_json else job.job_arn)


@app.command(
    epilog="Example: `bedrock-prep status nova-lite-sft-ed51c740e051-2436326d --wait` · Exit "
    "codes: 0 under way or completed, 3 failed, 4 stopped"
)
def status(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's ARN or name.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the job has ended.")] = False,
    interval: Annotated[
        float, typer.Option(min=1, help="Seconds between requests to Bedrock.")
    ] = 30.0,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what became of a job: its model's id, or why it failed and what to do."""
    from pipeline.commands.submit import Connection

    _print_job(job, Connection(region, endpoint_url), wait, interval, as_json)


def _print_job(
    job: str, connection: Connection, wait: bool, interval: float, as_json: bool
) -> NoReturn:
    from pipeline.commands.submit import follow
    from pipeline.publish import as_json as to_json

    def say(line: str) -> None:
        typer.echo(line, err=True)

    job_status = follow(job, connection, wait, say, interval)
    echo(to_json(job_status.as_json()).decode().rstrip() if as_json else job_status.as_text())
    raise typer.Exit(job_status.exit_code)


@app.command(epilog="Example: `bedrock-prep policy recipe.yaml > policies.json`")
def policy(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    change: ChangeOption = None,
    region: RegionOption = None,
    account: Annotated[
        str | None, typer.Option(help="12 digits.  [default: that of job.role_arn]")
    ] = None,
    source_vpce: Annotated[
        str | None, typer.Option(help="Allow access to the data through this VPC endpoint only.")
    ] = None,
    state: StateOption = None,
    media: Annotated[
        list[str] | None,
        typer.Option(
            metavar="S3_URI",
            help="A folder of media that records name in S3; may be repeated.  [default: those in "
            "the recipe's local JSON files]",
        ),
    ] = None,
) -> None:
    """Print least-privilege IAM documents for a recipe, as JSON."""
    import json

    from pipeline.commands.policy import recipe_policies

    policies = recipe_policies(recipe, change, region, account, source_vpce, state, media or [])
    echo(json.dumps(policies, indent=2))


@app.command(epilog="Example: `bedrock-prep doctor recipe.yaml`")
def doctor(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    offline: Annotated[bool, typer.Option("--offline", help="Check without asking AWS.")] = False,
    change: ChangeOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check bucket, Region, owner, keys, public access and sources before a job."""
    from pipeline.commands.doctor import each_check, exit_code, told_checks
    from pipeline.publish import as_json as to_json

    checks = []
    for check in each_check(recipe, change, offline, state):
        checks.append(check)
        if not as_json:
            echo(told_checks([check]))
    if as_json:
        echo(to_json([check.as_json() for check in checks]).decode().rstrip())
    raise typer.Exit(exit_code(checks))
