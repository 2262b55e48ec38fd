//! Every SQL statement of the store, read from its source: sqlx takes nothing but literals (`&'static str`), so none can be missed as
//! long as nobody vouches for a built one.

use std::{collections::HashMap, fs, iter::Peekable, path::Path, str::Chars};

/// One literal, and the file it stands in.
pub struct Literal {
    pub file: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// A macro that joins literals: the names of its parameters, and what it joins.
type Joiner = (Vec<String>, Vec<Token>);

/// All string literals of the store's files, macros that join some expanded, tests left out.
pub fn literals() -> Vec<Literal> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.ends_with("tests") {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let file = path.file_name().unwrap().to_string_lossy().into_owned();
                let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                assert!(!program.contains("AssertSqlSafe"), "{file} builds its SQL: no test can see that");
                found.extend(texts(&tokens(program)).into_iter().map(|text| Literal { file: file.clone(), text }));
            }
        }
    }
    found.sort_by(|a, b| (&a.file, &a.text).cmp(&(&b.file, &b.text)));
    found
}

/// Whether a literal is a statement that reads or writes rows; pragmas and the like plan nothing.
pub fn is_statement(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE"].contains(&first)
}

/// Whether a literal is a piece of one.
pub fn is_piece(text: &str) -> bool {
    ["SELECT ", " FROM ", " WHERE ", " JOIN ", "INSERT ", "GROUP BY", "ORDER BY"].iter().any(|word| text.contains(word))
}

fn texts(tokens: &[Token]) -> Vec<String> {
    let (mut joiners, mut found) = (HashMap::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [Token::Word(word), Token::Sign('!'), Token::Word(name), rest @ ..] if word == "macro_rules" => {
                let end = closing(rest);
                joiners.insert(name.clone(), joiner(&rest[..end]));
                at += 3 + end;
            }
            [Token::Word(name), Token::Sign('!'), rest @ ..] if joiners.contains_key(name) => {
                let end = closing(rest);
                found.push(joined(&joiners[name], &rest[..end]));
                at += 2 + end;
            }
            [Token::Text(text), ..] => {
                found.push(text.clone());
                at += 1;
            }
            _ => at += 1,
        }
    }
    found
}

/// How many tokens the bracket that opens here takes.
fn closing(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '{' | '[') => depth += 1,
            Token::Sign(')' | '}' | ']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    panic!("a bracket stays open");
}

fn joiner(body: &[Token]) -> Joiner {
    let arrow = body.windows(2).position(|two| two == [Token::Sign('='), Token::Sign('>')]).unwrap();
    let (head, tail) = body.split_at(arrow);
    let parameters = head.windows(2).filter_map(|two| match two {
        [Token::Sign('$'), Token::Word(name)] => Some(name.clone()),
        _ => None,
    });
    let concat = tail.iter().position(|token| *token == Token::Word("concat".to_owned()));
    (parameters.collect(), tail[concat.expect("a macro of the store that joins nothing")..].to_vec())
}

fn joined((parameters, parts): &Joiner, call: &[Token]) -> String {
    let given: Vec<&String> =
        call.iter().filter_map(|token| if let Token::Text(text) = token { Some(text) } else { None }).collect();
    assert_eq!(given.len(), parameters.len(), "{call:?}");
    let part = |token: &Token| match token {
        Token::Text(text) => Some(text.clone()),
        Token::Word(name) => parameters.iter().position(|parameter| parameter == name).map(|at| given[at].clone()),
        Token::Sign(_) => None,
    };
    parts.iter().filter_map(part).collect()
}

fn tokens(program: &str) -> Vec<Token> {
    let mut letters = program.chars().peekable();
    let mut found = Vec::new();
    while let Some(letter) = letters.next() {
        match letter {
            '/' if letters.peek() == Some(&'/') => {
                let _ = letters.find(|letter| *letter == '\n');
            }
            '"' => found.push(Token::Text(text(&mut letters))),
            '\'' => quoted(&mut letters),
            'r' if letters.peek() == Some(&'"') || letters.peek() == Some(&'#') => {
                panic!("raw literals are not read here")
            }
            _ if letter.is_alphanumeric() || letter == '_' => {
                let mut word = letter.to_string();
                while let Some(more) = letters.next_if(|letter| letter.is_alphanumeric() || *letter == '_') {
                    word.push(more);
                }
                found.push(Token::Word(word));
            }
            _ if letter.is_whitespace() => {}
            _ => found.push(Token::Sign(letter)),
        }
    }
    found
}

/// The rest of a literal, up to its closing quote.
fn text(letters: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    loop {
        match letters.next().expect("a literal stays open") {
            '"' => return text,
            '\\' => match letters.next().unwrap() {
                '\n' => while letters.next_if(|letter| letter.is_whitespace()).is_some() {},
                'n' => text.push('\n'),
                other => text.push(other),
            },
            letter => text.push(letter),
        }
    }
}

/// A letter in quotes, which may be a quote; a lifetime takes nothing.
fn quoted(letters: &mut Peekable<Chars<'_>>) {
    let mut ahead = letters.clone();
    let first = ahead.next();
    if first == Some('\\') {
        let _ = letters.nth(1);
        let _ = letters.find(|letter| *letter == '\'');
    } else if ahead.next() == Some('\'') {
        let _ = letters.nth(1);
    }
}

#[test]
fn literals_are_read_as_the_compiler_reads_them() {
    let program = r#"
        macro_rules! both { ($a:literal, $b:literal) => { concat!($a, " FROM t ", $b) }; } // "no"
        fn f<'a>(c: char) { c == '"' || c == '\'' || c == 'x'; g("one \"two\" \
            three", both!("SELECT a", "WHERE b"), "SELECT 1"); }"#;
    assert_eq!(texts(&tokens(program)), ["one \"two\" three", "SELECT a FROM t WHERE b", "SELECT 1"]);
}
