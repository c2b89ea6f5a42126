"""A one-node Slurm with two make-believe GPUs, started and stopped by the tests.

The files lie where Debian's packages look for them: the executor plugin removes every SLURM_* variable from
the jobs it starts, SLURM_CONF included. So it runs only as root, on a machine without a Slurm of its own.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

CONFIGURATION = Path("/etc/slurm/slurm.conf")
LOCK = Path("/run/lock/fdht-test-cluster")  # the configuration has one place, so one cluster at a time
# Real clusters end a job's processes by its cgroup. Without one Slurm follows parents, and misses a process whose
# parent has ended: Snakemake, which can deadlock on a second SIGTERM.
EPILOG = """\
#!/bin/bash
for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    [ "$pid" != $$ ] && [ "$(cat "$process/comm" 2> /dev/null)" != slurmstepd ] || continue
    { grep -qzx "SLURM_JOB_ID=$SLURM_JOB_ID" "$process/environ" && kill -KILL "$pid"; } 2> /dev/null
done
exit 0
"""
MARK = "# a test cluster of the FDHT-LSTM reproduction\n"
PROGRAMS = ("sbatch", "scontrol", "squeue", "sinfo", "slurmctld", "slurmd", "munged")


def why_not() -> str | None:
    """The reason why no test cluster can be started here, or None."""
    missing = [program for program in PROGRAMS if not find(program)]
    if missing:
        return f"Slurm is not installed: {', '.join(missing)} not found (Debian: slurm-wlm, munge)"
    if os.geteuid() != 0:
        return "starting a Slurm cluster needs root"
    if CONFIGURATION.exists() and not CONFIGURATION.read_text().startswith(MARK):
        return f"this machine has a Slurm of its own ({CONFIGURATION})"
    return None


def find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")


@dataclass
class Cluster:
    """Daemons and files of the cluster below `root`."""

    root: Path
    daemons: list[subprocess.Popen]
    lock: IO

    @property
    def host(self) -> str:
        return socket.gethostname().split(".")[0]

    def run(self, *command: str) -> str:
        """A Slurm command's output."""
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def wait(self, condition, seconds: float = 600.0):
        """Poll until `condition()` is true; its value. Fails with the daemons' logs after `seconds`, which are for
        what hangs: much longer than anything takes, however busy the machine is."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if value := condition():
                return value
            time.sleep(0.05)
        logs = "\n".join(f"== {log.name}\n{log.read_text()[-2000:]}" for log in self.root.glob("*.log"))
        raise TimeoutError(f"the cluster did not get there within {seconds} s\n{logs}")

    def end_jobs(self) -> None:
        """Cancel all jobs, and wait until the node is rid of them."""
        self.run("scancel", "--user", "root")
        self.wait(lambda: not self.run("squeue", "-h"))

    def left_behind(self) -> list[psutil.Process]:
        """Processes at work in the folders of the tests."""
        found = []
        for process in psutil.process_iter():
            try:
                if Path(process.cwd()).is_relative_to(self.root.parent):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def stop(self) -> None:
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        if CONFIGURATION.exists() and CONFIGURATION.read_text().startswith(MARK):
            CONFIGURATION.unlink()
            CONFIGURATION.with_name("gres.conf").unlink(missing_ok=True)
        self.lock.close()


def start(root: Path) -> Cluster:
    """Bring the cluster up below `root` and wait until its node is idle; waits for the end of another's."""
    lock = LOCK.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    for folder in ("run", "state", "spool"):
        (root / folder).mkdir(parents=True)
    key = root / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    devices = [root / f"gpu{index}" for index in range(2)]
    for device in devices:
        subprocess.run(["mknod", str(device), "c", "1", "3"], check=True)  # a second /dev/null serves as a GPU
    cluster = Cluster(root, [], lock)
    epilog = root / "epilog"
    epilog.write_text(EPILOG)
    epilog.chmod(0o755)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 * 9 // 10
    CONFIGURATION.parent.mkdir(parents=True, exist_ok=True)
    CONFIGURATION.write_text(MARK + settings(root, cluster.host, memory))
    CONFIGURATION.with_name("gres.conf").write_text(
        "".join(f"NodeName={cluster.host} Name=gpu File={device}\n" for device in devices)
    )
    munge_socket = root / "run" / "munge.socket"
    try:
        launch(
            cluster,
            [
                *("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={munge_socket}"),
                *(f"--pid-file={root}/run/munged.pid", f"--seed-file={root}/run/munged.seed"),
                f"--log-file={root}/munged-own.log",
            ],
        )
        cluster.wait(munge_socket.exists)
        launch(cluster, ["slurmctld", "-D", "-i"])
        launch(cluster, ["slurmd", "-D"])
        cluster.wait(lambda: node_state(cluster).startswith("idle"))
    except BaseException:
        cluster.stop()
        raise
    return cluster


def launch(cluster: Cluster, command: list[str]) -> None:
    """Start a daemon that ends with this process, even if that is killed."""
    bound = ["setpriv", "--pdeathsig", "TERM", find(command[0]), *command[1:]]
    with (cluster.root / f"{command[0]}.log").open("ab") as log:
        cluster.daemons.append(subprocess.Popen(bound, stdout=log, stderr=log))


def node_state(cluster: Cluster) -> str:
    answer = subprocess.run(["sinfo", "-h", "-N", "-o", "%t", "-p", "cpu"], capture_output=True, text=True)
    return answer.stdout.strip()


def settings(root: Path, host: str, memory: int) -> str:
    """slurm.conf. A requeued job waits cred_expire seconds before it starts again: 120, and 5 at the least."""
    return f"""\
ClusterName=test
SlurmctldHost={host}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={root}/run/munge.socket,cred_expire=5
CryptoType=crypto/munge
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
Epilog={root}/epilog
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd.pid
SlurmctldLogFile={root}/slurmctld-own.log
SlurmdLogFile={root}/slurmd-own.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=1,sched_interval=1
AccountingStorageType=accounting_storage/none
GresTypes=gpu
MinJobAge=3600
ReturnToService=2
JobRequeue=1
KillWait=10
OverTimeLimit=0
NodeName={host} CPUs={os.cpu_count()} RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=60 State=UP
PartitionName=gpu Nodes={host} MaxTime=60 State=UP
"""
