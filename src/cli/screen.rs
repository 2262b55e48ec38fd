//! A terminal that shows one changing picture: its other screen, without a cursor, keys read as they are pressed.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    os::fd::AsFd,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr},
};
use tokio::sync::mpsc;
use unicode_width::UnicodeWidthChar;

/// What a terminal that does not tell its size has had since it was glass.
const SIZE: (u16, u16) = (24, 80);

/// The other screen, and no cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// A terminal that knows these shows a frame only when it is whole; others pass over them.
const BEGIN: &str = "\x1b[?2026h\x1b[H";
const END: &str = "\x1b[J\x1b[?2026l";

/// The terminal while a picture is on it; dropped, it is as it was before.
pub struct Screen {
    to: File,
    before: Option<Termios>,
}

impl Screen {
    /// Takes standard output, if it is a terminal that can do more than print.
    ///
    /// # Errors
    /// A terminal that cannot be written.
    pub fn take() -> io::Result<Option<Screen>> {
        let able = std::env::var_os("TERM").is_some_and(|name| !name.is_empty() && name != "dumb");
        if !able || !io::stdout().is_terminal() {
            return Ok(None);
        }
        // Not by `io::stdout()`: that cuts a frame at its last line end into two writes.
        let mut screen = Screen { to: File::from(io::stdout().as_fd().try_clone_to_owned()?), before: None };
        if let Ok(before) = tcgetattr(io::stdin()) {
            let mut keys = before.clone();
            keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            // Stopped by Ctrl-Z it would leave the shell on the other screen; Ctrl-C stays a signal.
            keys.special_codes[SpecialCodeIndex::VSUSP] = 0;
            tcsetattr(io::stdin(), OptionalActions::Now, &keys)?;
            screen.before = Some(before);
        }
        screen.to.write_all(ENTER.as_bytes())?;
        Ok(Some(screen))
    }

    /// The keys that are pressed from now on; none if nobody can press any. A thread reads them until the process ends.
    pub fn keys(&self) -> mpsc::Receiver<u8> {
        let (pressed, keys) = mpsc::channel(16);
        if self.before.is_some() {
            std::thread::spawn(move || {
                let mut bytes = io::stdin().lock().bytes();
                while let Some(Ok(key)) = bytes.next() {
                    if pressed.blocking_send(key).is_err() {
                        return;
                    }
                }
            });
        }
        keys
    }

    /// Shows this instead of what was there, cut to the terminal.
    ///
    /// # Errors
    /// A terminal that went away.
    pub fn show(&mut self, head: &[String], body: &[String]) -> io::Result<()> {
        let size = tcgetwinsize(&self.to).map_or(SIZE, |size| (size.ws_row, size.ws_col));
        let size = if size.0 == 0 || size.1 == 0 { SIZE } else { size };
        self.to.write_all(frame(head, body, size).as_bytes())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.to.write_all(LEAVE.as_bytes());
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
    }
}

/// Whether whoever read standard output is gone; of a file or a terminal nobody can tell.
pub fn reader_left() -> bool {
    let stdout = io::stdout();
    let mut look = [PollFd::new(&stdout, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut look, Some(&at_once)).is_ok() && look[0].revents().intersects(PollFlags::ERR | PollFlags::NVAL)
}

/// One frame for a terminal of so many rows and columns. Nothing is erased before its place is written anew, so nothing flickers;
/// no line end follows the last line, so nothing scrolls.
fn frame(head: &[String], body: &[String], (rows, columns): (u16, u16)) -> String {
    let (rows, columns) = (usize::from(rows), usize::from(columns));
    let room = rows.saturating_sub(head.len());
    let mut lines: Vec<&str> = head.iter().map(String::as_str).collect();
    let cut = format!("… {} more lines find no room here", (body.len() + 1).saturating_sub(room));
    if body.len() <= room {
        lines.extend(body.iter().map(String::as_str));
    } else {
        lines.extend(body.iter().map(String::as_str).take(room.saturating_sub(1)));
        lines.push(&cut);
    }
    lines.truncate(rows);
    let lines: Vec<String> = lines.into_iter().map(|line| filled(line, columns)).collect();
    format!("{BEGIN}{}{END}", lines.join("\r\n"))
}

/// A line cut to the columns; a shorter one clears the rest of its row. One that fills the row must not: the cursor still stands on
/// its last letter.
fn filled(line: &str, columns: usize) -> String {
    let mut used = 0;
    let mut out = String::with_capacity(line.len() + 3);
    for letter in line.chars() {
        let wide = letter.width().unwrap_or(0);
        if used + wide > columns {
            break;
        }
        used += wide;
        out.push(letter);
    }
    if used < columns {
        out.push_str("\x1b[K");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::frame;

    fn lines(many: usize) -> Vec<String> {
        (1..=many).map(|n| format!("job {n}")).collect()
    }

    fn shown(head: usize, body: usize, size: (u16, u16)) -> Vec<String> {
        let text = frame(&lines(head), &lines(body), size);
        let inside = text.strip_prefix("\x1b[?2026h\x1b[H").unwrap().strip_suffix("\x1b[J\x1b[?2026l").unwrap();
        inside.split("\r\n").map(|line| line.replace("\x1b[K", "")).collect()
    }

    #[test]
    fn a_frame_fits_and_says_what_does_not() {
        assert_eq!(shown(1, 2, (24, 80)), ["job 1", "job 1", "job 2"]);
        assert_eq!(shown(1, 3, (4, 80)), ["job 1", "job 1", "job 2", "job 3"]);
        assert_eq!(shown(1, 9, (4, 80)), ["job 1", "job 1", "job 2", "… 7 more lines find no room here"]);
        assert_eq!(shown(2, 9, (1, 80)), ["job 1"]);
        assert_eq!(shown(0, 1, (1, 3)), ["job"]);
    }

    #[test]
    fn short_lines_clear_their_row_and_full_ones_keep_their_last_letter() {
        let text = frame(&[], &["abc".to_owned(), "東京都".to_owned(), "ab".to_owned()], (9, 3));
        assert_eq!(text, "\x1b[?2026h\x1b[Habc\r\n東\x1b[K\r\nab\x1b[K\x1b[J\x1b[?2026l");
    }
}
