trireme::codes! {
    NAME_TAKEN "name_taken" 409 "Name taken"
        "Another of the caller's contexts has this name.";
}
