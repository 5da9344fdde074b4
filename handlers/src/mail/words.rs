//! The core's templates.

use super::{Kind, Template};

const fn of(
    kind: Kind,
    language: &'static str,
    subject: &'static str,
    text: &'static str,
) -> Template {
    Template { kind, language, subject, text, html: "" }
}

pub const WORDS: &[Template] = &[
    of(
        Kind::ConfirmAddress,
        "en",
        "{product}: confirm your e-mail address",
        "Somebody, most likely you, has made an account at {product} with this address. Confirm that it is yours:\n\n\
         {link}\n\n\
         If it was not you, do nothing.",
    ),
    of(
        Kind::ConfirmNewAddress,
        "en",
        "{product}: confirm your new e-mail address",
        "Your account at {product} is about to have this address. Confirm that it is yours:\n\n\
         {link}\n\n\
         If it was not you, do nothing.",
    ),
    of(
        Kind::ResetPassword,
        "en",
        "{product}: choose a new password",
        "Somebody, most likely you, has forgotten the password of your account at {product}. Choose a new one within half an hour:\n\n\
         {link}\n\n\
         If it was not you, do nothing: the password stays as it is.",
    ),
    of(
        Kind::AddressChanged,
        "en",
        "{product}: your e-mail address was changed",
        "Your account at {product} has another e-mail address now. Nothing more is sent to this one.\n\n\
         If it was not you, get in touch with us at once.",
    ),
    of(
        Kind::PasswordChanged,
        "en",
        "{product}: your password was changed",
        "The password of your account at {product} was changed, and all other sessions have ended.\n\n\
         If it was not you, choose a new password at once:\n\n\
         {app}",
    ),
    of(
        Kind::AccountExists,
        "en",
        "{product}: you have an account already",
        "Somebody, most likely you, wanted to make an account at {product} with this address. There is one already: sign in, \
         or have a new password sent to you:\n\n\
         {app}\n\n\
         If it was not you, do nothing.",
    ),
    of(
        Kind::ConfirmAddress,
        "de",
        "{product}: Bestätigen Sie Ihre E-Mail-Adresse",
        "Jemand, vermutlich Sie, hat bei {product} ein Konto mit dieser Adresse angelegt. Bestätigen Sie, dass sie Ihnen gehört:\n\n\
         {link}\n\n\
         Wenn Sie es nicht waren, brauchen Sie nichts zu tun.",
    ),
    of(
        Kind::ConfirmNewAddress,
        "de",
        "{product}: Bestätigen Sie Ihre neue E-Mail-Adresse",
        "Ihr Konto bei {product} soll diese Adresse bekommen. Bestätigen Sie, dass sie Ihnen gehört:\n\n\
         {link}\n\n\
         Wenn Sie es nicht waren, brauchen Sie nichts zu tun.",
    ),
    of(
        Kind::ResetPassword,
        "de",
        "{product}: Wählen Sie ein neues Passwort",
        "Jemand, vermutlich Sie, hat das Passwort Ihres Kontos bei {product} vergessen. Wählen Sie innerhalb einer halben Stunde ein neues:\n\n\
         {link}\n\n\
         Wenn Sie es nicht waren, brauchen Sie nichts zu tun: Das Passwort bleibt, wie es ist.",
    ),
    of(
        Kind::AddressChanged,
        "de",
        "{product}: Ihre E-Mail-Adresse wurde geändert",
        "Ihr Konto bei {product} hat jetzt eine andere E-Mail-Adresse. An diese hier wird nichts mehr geschickt.\n\n\
         Wenn Sie es nicht waren, melden Sie sich sofort bei uns.",
    ),
    of(
        Kind::PasswordChanged,
        "de",
        "{product}: Ihr Passwort wurde geändert",
        "Das Passwort Ihres Kontos bei {product} wurde geändert, und alle anderen Sitzungen wurden beendet.\n\n\
         Wenn Sie es nicht waren, wählen Sie sofort ein neues Passwort:\n\n\
         {app}",
    ),
    of(
        Kind::AccountExists,
        "de",
        "{product}: Sie haben bereits ein Konto",
        "Jemand, vermutlich Sie, wollte bei {product} ein Konto mit dieser Adresse anlegen. Es gibt schon eines: Melden Sie sich an, \
         oder lassen Sie sich ein neues Passwort schicken:\n\n\
         {app}\n\n\
         Wenn Sie es nicht waren, brauchen Sie nichts zu tun.",
    ),
    of(
        Kind::ConfirmAddress,
        "ar",
        "{product}: أكّد بريدك الإلكتروني",
        "أنشأ أحدهم، ولعله أنت، حسابًا في {product} بهذا العنوان. أكّد أنه عنوانك:\n\n\
         {link}\n\n\
         إن لم تكن أنت، فلا تفعل شيئًا.",
    ),
    of(
        Kind::ConfirmNewAddress,
        "ar",
        "{product}: أكّد بريدك الإلكتروني الجديد",
        "سيصبح هذا عنوان حسابك في {product}. أكّد أنه عنوانك:\n\n\
         {link}\n\n\
         إن لم تكن أنت، فلا تفعل شيئًا.",
    ),
    of(
        Kind::ResetPassword,
        "ar",
        "{product}: اختر كلمة مرور جديدة",
        "نسي أحدهم، ولعله أنت، كلمة مرور حسابك في {product}. اختر كلمة مرور جديدة خلال نصف ساعة:\n\n\
         {link}\n\n\
         إن لم تكن أنت، فلا تفعل شيئًا: تبقى كلمة المرور كما هي.",
    ),
    of(
        Kind::AddressChanged,
        "ar",
        "{product}: تغيّر بريدك الإلكتروني",
        "صار لحسابك في {product} بريد إلكتروني آخر. لن يُرسل شيء بعد الآن إلى هذا العنوان.\n\n\
         إن لم تكن أنت، فاتصل بنا فورًا.",
    ),
    of(
        Kind::PasswordChanged,
        "ar",
        "{product}: تغيّرت كلمة مرورك",
        "تغيّرت كلمة مرور حسابك في {product}، وانتهت كل الجلسات الأخرى.\n\n\
         إن لم تكن أنت، فاختر كلمة مرور جديدة فورًا:\n\n\
         {app}",
    ),
    of(
        Kind::AccountExists,
        "ar",
        "{product}: لديك حساب بالفعل",
        "أراد أحدهم، ولعله أنت، إنشاء حساب في {product} بهذا العنوان. يوجد حساب بالفعل: سجّل الدخول، أو اطلب كلمة مرور جديدة:\n\n\
         {app}\n\n\
         إن لم تكن أنت، فلا تفعل شيئًا.",
    ),
];
