"""The table of all faults."""

from faults import argo_faults, database_faults, key_faults, link_faults, receiver_faults, sender_faults

# Each with its weight: how often, compared to the others. To add one, write a class and give it a row.
FAULTS = {
    sender_faults.SenderKilled: 4,
    sender_faults.SenderKilledAgainAndAgain: 1,
    sender_faults.SenderKilledUnanswered: 4,
    sender_faults.SenderRestarted: 2,
    sender_faults.SenderStopped: 2,
    sender_faults.DiskFull: 2,
    receiver_faults.ReceiverKilled: 4,
    receiver_faults.ReceiverRestarted: 2,
    receiver_faults.ReceiverStopped: 2,
    link_faults.ConnectionsRefused: 1,
    link_faults.NoAnswer: 1,
    link_faults.AnswerSwallowedAfterCommit: 4,
    link_faults.Latency: 1,
    link_faults.LatencyBeyondTheTimeOut: 1,
    link_faults.RequestCutInItsHeader: 1,
    link_faults.RequestCutInItsBody: 2,
    link_faults.AnswerCut: 2,
    link_faults.ConnectionsReset: 2,
    link_faults.HalfOpen: 2,
    database_faults.DatabaseRestarted: 2,
    database_faults.DatabaseKilled: 1,
    database_faults.BackendKilled: 1,
    database_faults.BackendsTerminated: 2,
    database_faults.DatabaseStopped: 1,
    database_faults.TableLocked: 1,
    database_faults.StandbyStopped: 1,
    database_faults.StandbyKilled: 1,
    database_faults.FailOver: 2,
    database_faults.FailOverToALaggingStandby: 2,
    key_faults.KeyRotated: 1,
    key_faults.KeyRotatedWrongly: 1,
    argo_faults.LogRotatedByName: 1,
    argo_faults.LogCopiedAndTruncated: 1,
    argo_faults.ArgoCrashed: 1,
    argo_faults.ArgoLocked: 1,
    argo_faults.ArgoVacuumed: 1,
    argo_faults.DatabaseFileReplaced: 1,
    argo_faults.DatabaseFileWrittenOver: 1,
    argo_faults.DatabaseFileHidden: 1,
    argo_faults.OlderBackupRestored: 2,
}

# Those that need a file system of the state's own.
NEED_A_MOUNT = {sender_faults.DiskFull}
