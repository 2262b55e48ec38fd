//! What the machine lends: root's rights, small disks, Debian's packages.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs to its end; true if that was a success.
pub fn did(words: &[&str]) -> bool {
    Command::new(words[0]).args(&words[1..]).output().is_ok_and(|output| output.status.success())
}

/// Has the file of a Debian package, by installing it if need be; otherwise says why not.
pub fn package(name: &str, file: &Path) -> Result<PathBuf, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap();
    if !file.exists() && is_root() {
        let install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", name];
        let _ = did(&install) || (did(&["apt-get", "update", "-qq"]) && did(&install));
    }
    if file.exists() { Ok(file.to_owned()) } else { Err(format!("{} (Debian's {name}) is missing", file.display())) }
}

/// A small disk in memory, there until dropped.
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// None where mounting is not allowed.
    pub fn mount(path: &Path, size: &str) -> Option<SmallDisk> {
        std::fs::create_dir_all(path).unwrap();
        let options = format!("size={size},mode=0750");
        let mounted = is_root() && did(&["mount", "-t", "tmpfs", "-o", &options, "tmpfs", path.to_str()?]);
        mounted.then(|| SmallDisk { path: path.to_owned() })
    }

    /// With these options from now on.
    pub fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(did(&["mount", "-o", &options, self.path.to_str().unwrap()]), "{options}");
    }

    /// Bytes that still fit.
    pub fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.path).unwrap();
        stat.f_bavail * stat.f_frsize
    }

    /// A file that leaves only so much.
    pub fn fill(&self, but: u64) {
        let size = self.free().saturating_sub(but);
        std::fs::write(self.path.join("filler"), vec![7; usize::try_from(size).unwrap()]).unwrap();
    }

    pub fn empty(&self) {
        let _ = std::fs::remove_file(self.path.join("filler"));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = did(&["umount", self.path.to_str().unwrap_or_default()]);
    }
}

/// A disk in a file, which the kernel can be told to stop writing to, as after a fault of the medium. No `mount -o remount,ro` does that
/// while a file is open for writing.
pub struct FailingDisk {
    image: PathBuf,
    path: PathBuf,
}

impl FailingDisk {
    /// None where making or mounting it is not allowed.
    pub fn mount(image: &Path, path: &Path) -> Option<FailingDisk> {
        std::fs::create_dir_all(path).unwrap();
        std::fs::File::create(image).unwrap().set_len(64 << 20).unwrap();
        let made = is_root() && did(&["mkfs.ext4", "-q", "-F", image.to_str()?]);
        let disk = FailingDisk { image: image.to_owned(), path: path.to_owned() };
        let good = made && disk.attach() && disk.switch().is_some_and(|switch| switch.exists());
        good.then_some(disk)
    }

    fn attach(&self) -> bool {
        let (image, path) = (self.image.to_str().unwrap(), self.path.to_str().unwrap());
        did(&["mount", "-o", "loop,errors=remount-ro", image, path]) && did(&["chmod", "750", path])
    }

    /// The kernel's own test of what it does about a fault (Linux, Documentation/ABI/testing/sysfs-fs-ext4).
    fn switch(&self) -> Option<PathBuf> {
        let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
        let mount = mounts.lines().find(|line| line.split(' ').nth(1) == self.path.to_str())?;
        let device = Path::new(mount.split(' ').next()?).file_name()?.to_owned();
        Some(Path::new("/sys/fs/ext4").join(device).join("trigger_fs_error"))
    }

    /// From now on read-only.
    pub fn fail(&self) {
        std::fs::write(self.switch().unwrap(), "1").unwrap();
        assert!(std::fs::write(self.path.join("probe"), "").is_err(), "the disk still takes writes");
    }

    /// As an operator does: unmounted, checked, mounted. Nothing may have a file of it open.
    pub fn mend(&self) {
        assert!(did(&["umount", self.path.to_str().unwrap()]), "the disk is in use");
        // 1: errors were corrected.
        let check = Command::new("fsck.ext4").arg("-fy").arg(&self.image).output().unwrap();
        assert!(check.status.code().is_some_and(|code| code <= 1), "{}", String::from_utf8_lossy(&check.stdout));
        assert!(self.attach());
    }
}

impl Drop for FailingDisk {
    fn drop(&mut self) {
        let _ = did(&["umount", self.path.to_str().unwrap_or_default()]);
    }
}
