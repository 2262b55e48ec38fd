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
type Joiners = HashMap<String, Joiner>;

/// All string literals of the store's files, macros that join some expanded, tests left out.
pub fn literals() -> Vec<Literal> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.ends_with("tests") {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let file = path.file_name().unwrap().to_string_lossy().into_owned();
                let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                // A person's own question is nobody's literal.
                if file == "ask.rs" {
                    continue;
                }
                assert!(!program.contains("AssertSqlSafe"), "{file} builds its SQL: no test can see that");
                files.push((file, tokens(program)));
            }
        }
    }
    let joiners: Joiners = files.iter().flat_map(|(_, tokens)| joiners(tokens)).collect();
    let of = |(file, tokens): &(String, Vec<Token>)| {
        let texts = texts(tokens, &joiners).into_iter();
        texts.map(|text| Literal { file: file.clone(), text }).collect::<Vec<_>>()
    };
    let mut found: Vec<Literal> = files.iter().flat_map(of).collect();
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

/// The macros that are defined here.
fn joiners(tokens: &[Token]) -> Joiners {
    let mut found = Joiners::new();
    for at in 0..tokens.len() {
        if let [Token::Word(word), Token::Sign('!'), Token::Word(name), rest @ ..] = &tokens[at..]
            && word == "macro_rules"
        {
            found.insert(name.clone(), joiner(&rest[..closing(rest)]));
        }
    }
    found
}

/// Every literal outside of the macros' definitions.
fn texts(tokens: &[Token], joiners: &Joiners) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if let [Token::Word(word), Token::Sign('!'), Token::Word(_), rest @ ..] = &tokens[at..]
            && word == "macro_rules"
        {
            at += 3 + closing(rest);
            continue;
        }
        match value(&tokens[at..], joiners) {
            Some((text, took)) => {
                found.push(text);
                at += took;
            }
            None => at += 1,
        }
    }
    found
}

/// What begins here, if it is a literal or comes to one, and how many tokens it takes.
fn value(tokens: &[Token], joiners: &Joiners) -> Option<(String, usize)> {
    match tokens {
        [Token::Text(text), ..] => Some((text.clone(), 1)),
        [Token::Word(name), Token::Sign('!'), rest @ ..] if name == "concat" => {
            let end = closing(rest);
            Some((texts(&rest[..end], joiners).concat(), 2 + end))
        }
        [Token::Word(name), Token::Sign('!'), rest @ ..] => {
            let (parameters, body) = joiners.get(name)?;
            let end = closing(rest);
            let given = texts(&rest[..end], joiners);
            assert_eq!(given.len(), parameters.len(), "{name}: {given:?}");
            let filled = body.iter().map(|token| match token {
                Token::Word(name) => match parameters.iter().position(|parameter| parameter == name) {
                    Some(at) => Token::Text(given[at].clone()),
                    None => token.clone(),
                },
                _ => token.clone(),
            });
            Some((texts(&filled.collect::<Vec<_>>(), joiners).concat(), 2 + end))
        }
        _ => None,
    }
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
    (parameters.collect(), tail.to_vec())
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
        macro_rules! both { ($a:literal, $b:literal) => { concat!($a, " FROM t ", $b, part!()) }; } // "no"
        macro_rules! part { () => { " AND c" }; }
        fn f<'a>(c: char) { c == '"' || c == '\'' || c == 'x'; g("one \"two\" \
            three", both!("SELECT a", "WHERE b"), "SELECT 1", concat!("SELECT 2", part!())); }"#;
    let tokens = tokens(program);
    let expected = ["one \"two\" three", "SELECT a FROM t WHERE b AND c", "SELECT 1", "SELECT 2 AND c"];
    assert_eq!(texts(&tokens, &joiners(&tokens)), expected);
}
