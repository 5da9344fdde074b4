//! What is written, for people to read; and what is refused.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trireme_grow::{
    NewFields, NewProduct, NewResource, Refusal, Tree, add_fields, add_resource, commit,
    new_product,
};

/// An empty folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("grow").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn ok<T>(result: Result<T, Refusal>) -> T {
    result.unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// A product as it is planned.
fn shop(folder: &Path) -> Tree {
    let trireme = Some(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned());
    ok(new_product(folder, &NewProduct { name: "shop".to_owned(), trireme }))
}

/// The same, written.
fn written(folder: &Path) -> PathBuf {
    let mut tree = shop(folder);
    ok(add_resource(&mut tree, &asked("customers", &["name:text(1..100)"], &["name"])));
    ok(ok(commit::write(&tree)).keep());
    tree.root().to_owned()
}

fn fields(resource: &str, fields: &[&str]) -> NewFields {
    NewFields {
        resource: resource.to_owned(),
        fields: fields.iter().map(|&it| it.to_owned()).collect(),
    }
}

fn asked(name: &str, fields: &[&str], unique: &[&str]) -> NewResource {
    let all = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    NewResource { name: name.to_owned(), singular: None, fields: all(fields), unique: all(unique) }
}

/// Every file of a resource with every kind of field, and each place that names it.
#[test]
fn a_resource() {
    let mut tree = shop(&folder("resource"));
    ok(add_resource(&mut tree, &asked("customers", &["name:text(1..100)"], &["name"])));
    let invoices = asked(
        "invoices",
        &[
            "number:text(1..40)",
            "amount_cents:int(0..)",
            "due:date?",
            "state:enum(draft,sent,paid)=draft",
            "customer:ref(customers)",
            "notes:text(..4000)?",
            "rate:float=1.5",
            "locked:bool=false",
            "sent_at:time?",
            "trace:uuid?",
            "meta:json?",
            "scan:bytes(..1000)?",
        ],
        &["number"],
    );
    ok(add_resource(&mut tree, &invoices));
    let is_shown = |path: &&str| {
        path.contains("invoices")
            || ["src/lib.rs", "src/codes.rs", "checks/src/lib.rs"].contains(path)
    };
    let shown: String = tree
        .changes()
        .filter(|change| is_shown(&change.path))
        .map(|change| format!("=== {}\n{}\n", change.path, change.after))
        .collect();
    insta::assert_snapshot!(shown);
}

/// What columns change in files that are there.
#[test]
fn fields_of_a_resource() {
    let root = written(&folder("fields"));
    let mut tree = Tree::new(&root);
    let kinds = [
        "favourite:ref(notes)?",
        "level:enum(new,old)=new",
        "born:date?",
        "points:int(0..10)=5",
        "site:text(1..80)?",
    ];
    ok(add_fields(&mut tree, &fields("customers", &kinds)));
    insta::assert_snapshot!(tree.diff());
}

/// Whatever else stands in the files.
#[test]
fn edited_files_are_edited_where_they_are() {
    let root = written(&folder("edited"));
    let path = root.join("src/customers/sql.rs");
    let text = fs::read_to_string(&path).unwrap();
    let text = text
        .replace("id, user_id, name, created_at", "id, user_id,\n             name, created_at");
    fs::write(
        &path,
        text.replace("UPDATE customers SET\n", "UPDATE customers SET -- what is given\n"),
    )
    .unwrap();
    let mut tree = Tree::new(&root);
    ok(add_fields(&mut tree, &fields("customers", &["born:date?"])));
    let text = tree.read("src/customers/sql.rs").unwrap();
    assert!(text.contains("name, born, created_at"), "{text}");
    assert!(text.contains("-- what is given"), "{text}");
}

/// Filters come to a list that had none.
#[test]
fn a_list_without_filters_takes_some() {
    let root = written(&folder("unfiltered"));
    let mut tree = Tree::new(&root);
    ok(add_resource(&mut tree, &asked("bills", &["name:text"], &[])));
    ok(add_fields(&mut tree, &fields("bills", &["due:date?", "by:ref(customers)?"])));
    let list = tree.read("src/bills/list.rs").unwrap();
    assert!(
        list.starts_with("use trireme::{Answer, Context, Date, Host, Operation, Uuid"),
        "{list}"
    );
    let create = tree.read("src/bills/create.rs").unwrap();
    assert!(create.contains("outcome::created(cx"), "{create}");
}

#[test]
fn what_can_not_be_edited_is_told_and_left() {
    let root = written(&folder("lost"));
    let path = root.join("src/customers/sql.rs");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("fn update", "fn change")).unwrap();
    let told = add_fields(&mut Tree::new(&root), &fields("customers", &["born:date?"]))
        .unwrap_err()
        .to_string();
    assert_eq!(
        told,
        "src/customers/sql.rs has no `fn update` with one UPDATE … SET that could be edited.\n\
         Nothing was written. By hand: set `born` there."
    );
}

#[test]
fn what_is_refused_comes_with_a_remedy() {
    let root = written(&folder("refused"));
    let told =
        |asked: NewResource| add_resource(&mut Tree::new(&root), &asked).unwrap_err().to_string();
    let name = ["name:text"];
    for (refusal, due) in [
        (
            told(asked("customers", &name, &[])),
            "There is a resource `customers` already.\n  customers\n  ^^^^^^^^^\nGive it another field: trireme add field customers",
        ),
        (told(asked("orders", &name, &[])), "`order` is a word of PostgreSQL's.\n"),
        (
            told(asked("bills", &[], &[])),
            "A resource without fields holds nothing.\nName one at least: trireme add resource bills",
        ),
        (
            told(asked("bills", &["of:ref(people)"], &[])),
            "There is no resource `people`.\n  of:ref(people)\n         ^^^^^^\nAdd it first: trireme add resource people …. There are: customers, notes.",
        ),
        (
            told(asked("bills", &["by:ref(users)"], &[])),
            "Every record is one user's already, by its `user_id`; it refers to no other.\n  by:ref(users)\n         ^^^^^\nRefer to a resource, such as one of: customers, notes.",
        ),
        (
            told(asked("bills", &["next:ref(bills)"], &[])),
            "The first record could refer to none of its own kind.\n  next:ref(bills)\n           ^^^^^\nMake it nullable",
        ),
        (
            told(asked("bills", &name, &["title"])),
            "There is no field `title` that could be unique.\n  title\n  ^^^^^\nName fields of this resource: name.",
        ),
        (
            told(asked("bills", &["sum:int"], &["sum"])),
            "What is unique has a text that no other --unique has",
        ),
        (
            told(asked("bills", &["name:text", "due:date?"], &["name,due"])),
            "`due` may be null, and no null is the same as another.\n  name,due\n       ^^^\nLeave `?` away",
        ),
        (
            told(asked("bills", &["name:text"], &["name", "name"])),
            "These are unique already.\n  name\n  ^^^^\nSay so once.",
        ),
        (
            told(asked("bills", &["name:text", "due:date"], &["name,due", "due,name"])),
            "These are unique already.\n  due,name\n",
        ),
        (
            told(asked("bills", &["bill:enum(a,b)"], &[])),
            "The enumeration would be called `Bill`, as the record is.\n  bill:enum(a,b)\n  ^^^^\n",
        ),
        (
            told(asked("bills", &["paid:date?", "paid_at:time?"], &[])),
            "Two fields give the list a parameter `paid_before`.\n  paid:date?\n  ^^^^\n",
        ),
    ] {
        assert!(refusal.starts_with(due), "{refusal}");
    }
    let told = |resource: &str, typed: &str| {
        add_fields(&mut Tree::new(&root), &fields(resource, &[typed])).unwrap_err().to_string()
    };
    for (refusal, due) in [
        (
            told("bills", "a:int?"),
            "There is no resource `bills`.\n  bills\n  ^^^^^\nAdd it: trireme add resource bills",
        ),
        (
            told("customers", "name:text?"),
            "There is a field `name` already.\n  name:text?\n  ^^^^\n",
        ),
        (
            told("customers", "born:date"),
            "The customers that are there need a value.\n  born:date\n           ^\nMake it nullable",
        ),
        (told("customers", "note:ref(notes)"), "The customers that are there need a value."),
    ] {
        assert!(refusal.starts_with(due), "{refusal}");
    }
    let elsewhere = trireme_grow::root(&folder("elsewhere")).unwrap_err().to_string();
    assert!(
        elsewhere
            .contains("is not in a product's folder.\nGo into one, or begin one: trireme new NAME")
    );
}

#[test]
fn a_product_begins_in_an_empty_folder_alone() {
    let folder = folder("new");
    fs::create_dir(folder.join("taken")).unwrap();
    fs::write(folder.join("taken/a"), "").unwrap();
    let told = |name: &str, trireme: Option<&str>| {
        let asked = NewProduct { name: name.to_owned(), trireme: trireme.map(PathBuf::from) };
        new_product(&folder, &asked).err().unwrap().to_string()
    };
    assert!(
        told("taken", None).contains("is there already, and not empty.\nNothing is overwritten")
    );
    assert!(told("Shop", None).starts_with("`Shop` is no name of a product.\n  Shop\n  ^^^^\n"));
    assert!(told("trireme", None).contains("is taken by a package"));
    assert!(told("serde-json", None).contains("is taken by a package"));
    assert!(told("docs", None).starts_with("`docs` is a name of Trireme's own."));
    assert!(told("host", None).starts_with("The product's type would be called `Host`"));
    assert!(told("bare", Some(".")).contains("is no checkout of Trireme"));
    let tree = ok(new_product(&folder, &NewProduct { name: "shop".to_owned(), trireme: None }));
    let manifest = tree.read("Cargo.toml").unwrap();
    let pinned = format!(
        "trireme-native = {{ git = \"https://github.com/trireme/trireme\", tag = \"v{}\" }}",
        env!("CARGO_PKG_VERSION")
    );
    assert!(manifest.contains(&pinned), "{manifest}");
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let asked = NewProduct { name: "shop".to_owned(), trireme: Some("./trireme".into()) };
    std::os::unix::fs::symlink(checkout, folder.join("trireme")).unwrap();
    let tree = ok(new_product(&folder, &asked));
    let manifest = tree.read("Cargo.toml").unwrap();
    let beside = "trireme-native = { path = \"../trireme/native-host\" }";
    assert!(manifest.contains(beside), "{manifest}");
    assert!(tree.read("spin.toml").unwrap().contains("--manifest-path ../trireme/Cargo.toml "));
}
