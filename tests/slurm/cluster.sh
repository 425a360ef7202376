#!/usr/bin/env bash
# A Slurm cluster of one machine, for the tests: two nodes, four partitions, GPUs that are none.
#
#   tests/slurm/cluster.sh up [--accounting]   start it (again: nothing happens), wait until its nodes are idle
#   eval "$(tests/slurm/cluster.sh env)"       put its commands (sbatch, squeue, …) first on PATH
#   tests/slurm/cluster.sh node-down NODE       end a node's daemon and everything it runs, as a power cut would
#   tests/slurm/cluster.sh node-up NODE         start it again
#   tests/slurm/cluster.sh status              daemons, nodes, where the logs are
#   tests/slurm/cluster.sh down                cancel its jobs, stop what `up` started, and nothing else
#   tests/slurm/cluster.sh install             Debian's packages it needs (root)
#
# All it has is in one folder, $UNICEDIT_CLUSTER (default /tmp/unicedit-cluster-<uid>): configuration, pid files, logs, the controller's state.
# It runs as whoever starts it, without systemd and cgroups, on free ports of the loopback interface; several may run side by side.
set -euo pipefail

BOX=${UNICEDIT_CLUSTER:-/tmp/unicedit-cluster-$(id -u)}
HOST=$(hostname -s)
NODES=("$HOST" "$HOST-2")  # the first by its real name: processes of a training meet at the address of their first node
CPUS=2          # a node; what the machine really has does not matter
MEMORY=64000    # MB a node
PATH=$PATH:/usr/sbin:/sbin
export SLURM_CONF=$BOX/etc/slurm.conf
PACKAGES=(slurm-wlm munge slurmdbd mariadb-server)

fail() { echo "cluster.sh: $*" >&2; exit 1; }

pid_of() { cat "$BOX/pid/$1" 2>/dev/null || true; }

# a pid may have been given to another process since: ours names its daemon
alive() {
    local pid; pid=$(pid_of "$1")
    [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "${1%%-*}"
}

wait_for() {  # what, tenths of a second, command …
    local what=$1 tenths=$2; shift 2
    for _ in $(seq "$tenths"); do
        "$@" >/dev/null 2>&1 </dev/null && return
        sleep 0.1
    done
    "$@" >&2 </dev/null || true
    fail "$what did not come up within $((tenths / 10)) s; its log is in $BOX/log"
}

free_ports() {
    python3 - "$1" <<'PY'
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(one.getsockname()[1] for one in held))
PY
}

# every daemon and command finds its configuration by a variable; Snakemake's job steps lose it on the way, so each command is wrapped
write_commands() {
    local name
    for name in sbatch srun scontrol squeue scancel sinfo sacct sacctmgr; do
        printf '#!/bin/sh\nSLURM_CONF=%s; export SLURM_CONF\nexec %s "$@"\n' "$SLURM_CONF" "$(command -v $name)" >"$BOX/bin/$name"
        chmod +x "$BOX/bin/$name"
    done
}

write_configuration() {  # accounting: 0 or 1
    local me ports port node
    me=$(id -un); read -ra ports < <(free_ports 5)
    cat >"$SLURM_CONF" <<END
ClusterName=unicedit
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
# a job that is put into the queue again waits for its credential to expire: 120 s if nothing is said, 5 at least
AuthInfo=socket=$BOX/run/munge.sock,cred_expire=5
CredType=cred/munge
SlurmctldPort=${ports[0]}
SlurmctldPidFile=$BOX/pid/slurmctld
SlurmctldLogFile=$BOX/log/slurmctld.log
SlurmdLogFile=$BOX/log/slurmd-%n.log
SlurmdPidFile=$BOX/pid/slurmd-%n
StateSaveLocation=$BOX/state
SlurmdSpoolDir=$BOX/spool-%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
MpiDefault=none
SwitchType=switch/none
PropagateResourceLimits=NONE
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0,default_queue_depth=1000
PriorityType=priority/basic
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=30
InactiveLimit=0
KillWait=5
MinJobAge=300
MaxArraySize=1001
GresTypes=gpu
END
    if [ "$1" = 1 ]; then
        cat >>"$SLURM_CONF" <<END
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=${ports[1]}
AccountingStoragePass=$BOX/run/munge.sock
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
END
        cat >"$BOX/etc/slurmdbd.conf" <<END
AuthType=auth/munge
AuthInfo=socket=$BOX/run/munge.sock
DbdHost=$HOST
DbdAddr=127.0.0.1
DbdPort=${ports[1]}
SlurmUser=$me
LogFile=$BOX/log/slurmdbd.log
PidFile=$BOX/pid/slurmdbd
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=${ports[2]}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
END
        chmod 600 "$BOX/etc/slurmdbd.conf"
        echo "${ports[2]}" >"$BOX/etc/database-port"
    else
        printf '%s\n' AccountingStorageType=accounting_storage/none JobCompType=jobcomp/filetxt "JobCompLoc=$BOX/log/jobs.txt" >>"$SLURM_CONF"
    fi
    port=3
    : >"$BOX/etc/gres.conf"
    for node in "${NODES[@]}"; do
        echo "NodeName=$node NodeHostname=$HOST NodeAddr=127.0.0.1 Port=${ports[$port]} CPUs=$CPUS Sockets=1 CoresPerSocket=$CPUS ThreadsPerCore=1" \
            "RealMemory=$MEMORY Gres=gpu:fake:2 State=UNKNOWN" >>"$SLURM_CONF"
        # slurmd wants a character device for each GPU: a link to one will do, and needs no root
        ln -sf /dev/null "$BOX/dev/${node}gpu0"; ln -sf /dev/null "$BOX/dev/${node}gpu1"
        echo "NodeName=$node Name=gpu Type=fake File=$BOX/dev/${node}gpu[0-1]" >>"$BOX/etc/gres.conf"
        port=$((port + 1))
    done
    cat >>"$SLURM_CONF" <<END
PartitionName=DEFAULT DefMemPerCPU=500 MaxTime=2-00:00:00 PriorityTier=10 PreemptMode=OFF State=UP
PartitionName=cpu   Nodes=ALL Default=YES
PartitionName=gpu-a Nodes=ALL
PartitionName=gpu-b Nodes=${NODES[1]}
PartitionName=scav  Nodes=ALL PriorityTier=1 PreemptMode=REQUEUE GraceTime=5
END
    echo "CgroupPlugin=cgroup/v1" >"$BOX/etc/cgroup.conf"
}

start_munge() {
    if [ ! -s "$BOX/etc/munge.key" ]; then
        dd if=/dev/urandom bs=1 count=1024 of="$BOX/etc/munge.key" status=none
        chmod 400 "$BOX/etc/munge.key"
    fi
    munged --force --key-file="$BOX/etc/munge.key" --socket="$BOX/run/munge.sock" --pid-file="$BOX/pid/munged" \
        --log-file="$BOX/log/munged.log" --seed-file="$BOX/state/munge.seed" --num-threads=2 || fail "munged does not start; see $BOX/log/munged.log"
    wait_for munged 50 timeout 10 munge -n -S "$BOX/run/munge.sock"
}

start_accounting() {
    local socket=$BOX/run/db.sock me; me=$(id -un)
    local -x TMPDIR=$BOX/run  # two databases made at once delete each other's temporary tables in /tmp
    if [ ! -d "$BOX/db/mysql" ]; then
        mariadb-install-db --no-defaults --user="$me" --datadir="$BOX/db" --auth-root-authentication-method=normal --skip-test-db \
            >"$BOX/log/mariadb-install.log" 2>&1 || fail "the database cannot be made; see $BOX/log/mariadb-install.log"
    fi
    setsid mariadbd --no-defaults --user="$me" --datadir="$BOX/db" --socket="$socket" --port="$(cat "$BOX/etc/database-port")" \
        --bind-address=127.0.0.1 --pid-file="$BOX/pid/mariadbd" --innodb-buffer-pool-size=64M --innodb-log-file-size=16M \
        --innodb-flush-method=fsync --innodb-use-native-aio=0 </dev/null >"$BOX/log/mariadbd.log" 2>&1 &
    wait_for mariadbd 300 timeout 10 mariadb-admin --no-defaults -S "$socket" ping
    mariadb --no-defaults -S "$socket" -e "create user if not exists slurm@'%' identified by 'slurm';
        create user if not exists slurm@localhost identified by 'slurm'; grant all on slurm.* to slurm@'%'; grant all on slurm.* to slurm@localhost"
    (cd "$BOX/log" && exec setsid slurmdbd -D) </dev/null >"$BOX/log/slurmdbd.out" 2>&1 &
    wait_for slurmdbd 300 timeout 10 sacctmgr --noheader list cluster
    # an account known already is no fault
    sacctmgr --immediate add cluster unicedit >>"$BOX/log/accounts.log" 2>&1 || true
    sacctmgr --immediate add account lab >>"$BOX/log/accounts.log" 2>&1 || true
    sacctmgr --immediate add user "$me" account=lab >>"$BOX/log/accounts.log" 2>&1 || true
    sacctmgr --noheader --parsable2 list associations user="$me" format=account | grep -qx lab ||
        fail "$me has no account; see $BOX/log/accounts.log"
}

start_node() { slurmd -N "$1" >"$BOX/log/slurmd-$1.out" 2>&1 || fail "node $1 does not start; see $BOX/log/slurmd-$1.log"; }

nodes_idle() { [ "$(sinfo --noheader --Node --partition=cpu --format=%t | grep -cx idle)" -ge "${#NODES[@]}" ]; }

up() {
    local accounting=0 name
    [ "${1:-}" = --accounting ] && accounting=1
    if alive slurmctld; then
        [ "$(cat "$BOX/etc/accounting")" = "$accounting" ] || fail "it runs already, with other accounting: cluster.sh down first"
        return
    fi
    for name in munged slurmctld slurmd sbatch $([ $accounting = 0 ] || echo slurmdbd mariadbd); do
        command -v "$name" >/dev/null || fail "$name is not installed; as root: tests/slurm/cluster.sh install"
    done
    [ ${#BOX} -le 60 ] || fail "UNICEDIT_CLUSTER=$BOX: too long for the names of sockets, at most 60 characters"
    mkdir -p "$BOX"/{bin,db,dev,etc,log,pid,run,state} "${NODES[@]/#/$BOX/spool-}"
    chmod 755 "$BOX" "$BOX/run"; chmod 700 "$BOX/log" "$BOX/state"
    down_daemons  # of an `up` that failed half-way
    write_configuration $accounting
    write_commands
    echo $accounting >"$BOX/etc/accounting"
    start_munge
    [ $accounting = 0 ] || start_accounting
    slurmctld -i >"$BOX/log/slurmctld.out" 2>&1 || fail "slurmctld does not start; see $BOX/log/slurmctld.log"
    wait_for slurmctld 100 timeout 10 scontrol ping
    for name in "${NODES[@]}"; do start_node "$name"; done
    scontrol update nodename=ALL state=resume 2>/dev/null || true  # what an earlier state says is down
    wait_for "both nodes" 200 nodes_idle
}

# what runs under a process, oldest first
under() { local child; for child in $(pgrep -P "$1" || true); do echo "$child"; under "$child"; done; }

# steps of jobs are no children of their node's daemon; they hold the node's spool folder in their command line or environment
steps_of() {
    local pid
    for pid in $(pgrep slurmstepd || true); do
        tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "SLURM_CONF=$SLURM_CONF" || continue
        ls -l "/proc/$pid/cwd" "/proc/$pid/fd" 2>/dev/null | grep -q "/spool-$1\|/slurmd-$1.log" && echo "$pid"
    done || true
}

node_down() {
    local pid; local -a doomed=()
    alive "slurmd-$1" || fail "node $1 does not run"
    doomed+=("$(pid_of "slurmd-$1")")
    for pid in $(steps_of "$1"); do doomed+=("$pid"); mapfile -t -O ${#doomed[@]} doomed < <(under "$pid"); done
    kill -KILL "${doomed[@]}" 2>/dev/null || true
    rm -f "$BOX/pid/slurmd-$1"
}

down_daemons() {
    local name
    for name in $(cd "$BOX/pid" && ls -d slurmd-* 2>/dev/null) slurmctld slurmdbd mariadbd munged; do
        alive "$name" || continue
        kill "$(pid_of "$name")"
        for _ in $(seq 100); do alive "$name" || break; sleep 0.1; done
        if alive "$name"; then kill -KILL "$(pid_of "$name")"; fi
    done
    rm -f "$BOX"/pid/*
}

no_jobs() { [ -z "$(squeue --noheader)" ]; }

down() {
    [ -d "$BOX/pid" ] || return 0
    if alive slurmctld && ! no_jobs; then
        squeue --noheader --format=%A | xargs -r scancel 2>/dev/null || true
        for _ in $(seq 150); do no_jobs && break; sleep 0.1; done
    fi
    down_daemons
}

status() {
    local pid
    [ -d "$BOX/pid" ] || fail "there is none in $BOX"
    for pid in "$BOX"/pid/*; do [ -e "$pid" ] && alive "$(basename "$pid")" && echo "$(basename "$pid") $(cat "$pid")"; done
    sinfo --format='%10P %5a %12l %.5D %8t %10N %12G %4c %m'
    echo "logs: $BOX/log"
}

case ${1:-} in
    up) up "${2:-}" ;;
    down) down ;;
    status) status ;;
    env) echo "export UNICEDIT_CLUSTER=$BOX PATH=$BOX/bin:\$PATH" ;;
    node-down) node_down "${2:?which node}" ;;
    node-up) start_node "${2:?which node}" ;;
    install) DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${PACKAGES[@]}" ;;
    *) echo "usage: $0 up [--accounting] | down | status | env | node-down NODE | node-up NODE | install" >&2; exit 2 ;;
esac
