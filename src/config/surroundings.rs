//! What a config leaves to the machine it is read on.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where a config file is looked for when none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// What `$NOTYET_CONFIG` names: this file and no other, whether it is there or not.
    pub named: Option<PathBuf>,
    /// Else the first of these that is there.
    pub usual: Vec<PathBuf>,
}

impl Places {
    /// By a look-up of environment variables: `notyet/notyet.toml` in
    /// `$XDG_CONFIG_HOME` when that is absolute (XDG Base Directory Specification),
    /// else in `~/.config`; then `/etc/notyet/notyet.toml`.
    pub fn new(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let absolute = |name: &str| path(name).filter(|dir| dir.is_absolute());
        let own = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        let dirs = own.into_iter().chain([PathBuf::from("/etc")]);
        Self { named: path("NOTYET_CONFIG"), usual: dirs.map(|dir| dir.join("notyet/notyet.toml")).collect() }
    }
}

/// Where the file stands and what the environment says, as values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The folder of the config file, absolute; relative paths start here.
    pub base_dir: PathBuf,
    /// The home folder of the user we run as; `~/` stands for it.
    pub home: Option<PathBuf>,
    /// Where the state goes when the file does not say.
    pub state_dir: Option<PathBuf>,
}

impl Surroundings {
    /// From the folder of the config file and a look-up of environment variables.
    ///
    /// The state folder is `$STATE_DIRECTORY` when systemd set it (the first,
    /// where it holds several, systemd.exec(5)), else `$XDG_STATE_HOME/notyet`
    /// when that is absolute (XDG Base Directory Specification), else
    /// `~/.local/state/notyet`.
    pub fn new(base_dir: PathBuf, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("HOME").filter(|home| home.is_absolute());
        let state_dir = path("STATE_DIRECTORY")
            .map(|list| first_of(&list))
            .or_else(|| path("XDG_STATE_HOME").filter(|dir| dir.is_absolute()).map(|dir| dir.join("notyet")))
            .or_else(|| home.as_ref().map(|home| home.join(".local/state/notyet")));
        Self { base_dir, home, state_dir }
    }

    /// `path` as the config means it; `None` when it needs a home and there is none.
    pub(super) fn resolve(&self, path: &str) -> Option<PathBuf> {
        match path.strip_prefix("~/") {
            Some(rest) => Some(self.home.as_ref()?.join(rest)),
            None => Some(self.base_dir.join(Path::new(path))),
        }
    }
}

fn first_of(list: &Path) -> PathBuf {
    let text = list.to_string_lossy();
    match text.split_once(':') {
        Some((first, _)) => PathBuf::from(first),
        None => list.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_up(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        |name: &str| {
            let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(value))
        }
    }

    fn state_dir(variables: &[(&str, &str)]) -> Option<PathBuf> {
        Surroundings::new(PathBuf::from("/etc/notyet"), look_up(variables)).state_dir
    }

    #[test]
    fn a_config_is_looked_for_where_the_units_have_it() {
        let usual = |variables: &[(&str, &str)]| {
            let places = Places::new(look_up(variables));
            assert_eq!(places.named, None);
            places.usual.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        let home = ("HOME", "/home/jane");
        let etc = "/etc/notyet/notyet.toml";
        assert_eq!(usual(&[home]), ["/home/jane/.config/notyet/notyet.toml", etc]);
        assert_eq!(usual(&[home, ("XDG_CONFIG_HOME", "/cfg")]), ["/cfg/notyet/notyet.toml", etc]);
        assert_eq!(
            usual(&[home, ("XDG_CONFIG_HOME", "cfg")]),
            ["/home/jane/.config/notyet/notyet.toml", etc]
        );
        assert_eq!(usual(&[("NOTYET_CONFIG", "")]), [etc]);
        let named = Places::new(look_up(&[home, ("NOTYET_CONFIG", "n.toml")])).named;
        assert_eq!(named, Some(PathBuf::from("n.toml")));
    }

    #[test]
    fn state_goes_where_systemd_then_xdg_then_home_say() {
        let home = ("HOME", "/home/jane");
        let xdg = ("XDG_STATE_HOME", "/srv/state");
        let systemd = ("STATE_DIRECTORY", "/var/lib/notyet:/var/lib/other");
        let expect = |path: &str| Some(PathBuf::from(path));
        assert_eq!(state_dir(&[home, xdg, systemd]), expect("/var/lib/notyet"));
        assert_eq!(state_dir(&[home, xdg]), expect("/srv/state/notyet"));
        assert_eq!(state_dir(&[home]), expect("/home/jane/.local/state/notyet"));
        assert_eq!(
            state_dir(&[home, ("XDG_STATE_HOME", "relative")]),
            expect("/home/jane/.local/state/notyet"),
            "the XDG specification says to ignore relative paths"
        );
        assert_eq!(state_dir(&[]), None);
    }
}
