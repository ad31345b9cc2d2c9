//! What an image-built sandbox may use.

use crate::validate::Invalid;

/// CPU, memory and disk of a sandbox built from an image. What is left out takes the server's default
/// (1 vCPU, 1 GiB, 3 GiB at the time of writing).
///
/// ```
/// use daytona_env::DaytonaResources;
///
/// let resources = DaytonaResources::default().with_cpu(2).with_memory(4);
/// assert_eq!(resources.disk, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DaytonaResources {
    /// Virtual CPUs, at least 1.
    pub cpu: Option<u32>,
    /// Memory in GiB, at least 1.
    pub memory: Option<u32>,
    /// Disk in GiB, at least 1.
    pub disk: Option<u32>,
}

impl DaytonaResources {
    /// Sets the number of virtual CPUs.
    #[must_use]
    pub const fn with_cpu(mut self, cpu: u32) -> Self {
        self.cpu = Some(cpu);
        self
    }

    /// Sets the memory, in GiB.
    #[must_use]
    pub const fn with_memory(mut self, memory: u32) -> Self {
        self.memory = Some(memory);
        self
    }

    /// Sets the disk, in GiB.
    #[must_use]
    pub const fn with_disk(mut self, disk: u32) -> Self {
        self.disk = Some(disk);
        self
    }

    /// Whether nothing is asked for, which is the same as giving no resources.
    pub(crate) const fn is_empty(&self) -> bool {
        self.cpu.is_none() && self.memory.is_none() && self.disk.is_none()
    }

    pub(crate) fn check(&self) -> Result<(), Invalid> {
        for (field, value) in [
            ("cpu", self.cpu),
            ("memory", self.memory),
            ("disk", self.disk),
        ] {
            if value == Some(0) {
                return Err(Invalid::new(format!(
                    "`resources`: `{field}` must be at least 1; leave it out for the server's default"
                )));
            }
        }
        Ok(())
    }
}
