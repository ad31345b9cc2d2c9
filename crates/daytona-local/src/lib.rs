//! A Daytona-compatible server in this process: control plane and toolbox over real local processes.
