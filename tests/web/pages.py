# ruff: noqa: E501 - texts in three languages
"""Every public page in every state, filled in: for the tests that look at all of them."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from app.core.languages import Text, pick_text
from app.core.money import Money
from app.web.views.campaigns import (
    AppealCard,
    CampaignCard,
    CampaignView,
    CarriedOver,
    EmbedView,
    HomeView,
    PetitionCard,
    Takings,
    Tally,
)
from app.web.views.frame import Beneficiary, ErrorView, FieldError, Page, View, Wording
from app.web.views.giving import AppealView, DonationState, DonationView, GiveForm, ReviewView
from app.web.views.signing import (
    ConfirmedView,
    ConfirmView,
    ConsentRecord,
    Correction,
    DetailsForm,
    InboxView,
    MyView,
    PetitionView,
    ShowForm,
    SignForm,
    WithdrawView,
)

TOKEN = "q7d8mW0bqk2Jm0Yc3m9t5x1Zr4u8v2Ls"
AT = datetime(2022, 3, 4, 9, 30, tzinfo=UTC)

CAMPAIGN = {
    "en": "Refugees Welcome",
    "uk": "Ласкаво просимо, біженці",
    "ar": "أهلًا باللاجئين",
}
CAMPAIGN_SUMMARY = {
    "en": "Millions had to leave their homes within days. We ask the government to open the door, and readers "
    "to help those who are on the way.",
    "uk": "Мільйони людей за лічені дні були змушені залишити домівки. Ми просимо уряд відчинити двері, "
    "а читачів — допомогти тим, хто в дорозі.",
    "ar": "اضطر الملايين إلى ترك بيوتهم في أيام قليلة. نطلب من الحكومة أن تفتح الباب، ومن القرّاء أن يساعدوا "
    "من هم في الطريق.",
}
STORY = {
    "en": "Families crossed the border with what they could carry. Neighbouring countries took them in, "
    "and need help to do so.\n\n## What happens now\n\nReaders sign and give; we report what becomes of it, "
    "with [every figure](https://example.org) in the open.\n\n- The petition goes to the government.\n"
    "- The money goes to charities that are already there.\n\n> “We left with one bag, and the cat in it.”",
    "uk": "Родини переходили кордон із тим, що могли понести. Сусідні країни прийняли їх, і їм потрібна "
    "допомога.\n\n## Що відбувається тепер\n\nЧитачі підписують і жертвують; ми звітуємо, що з цього вийшло.",
}
PETITION = {
    "en": "Open the door to people who flee from Ukraine",
    "uk": "Відчиніть двері людям, які тікають з України",
    "ar": "افتحوا الباب أمام الفارّين من أوكرانيا",
}
TARGET = {"en": "the UK government", "uk": "уряд Великої Британії", "ar": "حكومة المملكة المتحدة"}
ASKS = (
    {
        "en": "Send aid to the countries next to Ukraine: food, clothing and shelter for those who arrive.",
        "uk": "Надіслати допомогу країнам, сусіднім з Україною: їжу, одяг і притулок для тих, хто прибуває.",
        "ar": "إرسال المساعدات إلى الدول المجاورة لأوكرانيا: الغذاء واللباس والمأوى لمن يصل إليها.",
    },
    {
        "en": "Do more to make the UK a haven, and let in Ukrainians who seek safety.",
        "uk": "Зробити більше, щоб Велика Британія стала прихистком, і впустити українців, які шукають безпеки.",
        "ar": "بذل المزيد كي تصبح المملكة المتحدة ملاذًا، والسماح بدخول الأوكرانيين الباحثين عن الأمان.",
    },
)
CONSENT = {
    "en": "I agree that The Example, London, keeps my name and answers to count this signature and to hand the "
    "petition in. I know that signing reveals a political opinion, and that I can withdraw at any time.",
    "uk": "Я погоджуюся, що The Example, Лондон, зберігає моє ім’я та відповіді, щоб зарахувати цей підпис "
    "і передати петицію. Я знаю, що підпис розкриває політичні погляди і що я можу відкликати його будь-коли.",
    "ar": "أوافق على أن تحتفظ The Example في لندن باسمي وإجاباتي لاحتساب هذا التوقيع وتسليم العريضة. أعلم أن "
    "التوقيع يكشف رأيًا سياسيًا وأن بإمكاني سحبه في أي وقت.",
}
UPDATES = {
    "en": "May we write to you about what comes of it?",
    "uk": "Чи можна писати вам про те, що з цього вийде?",
    "ar": "هل يمكننا أن نكتب إليك عمّا يستجدّ؟",
}
APPEAL = {"en": "Help for those on the way", "uk": "Допомога тим, хто в дорозі", "ar": "عون لمن هم في الطريق"}
TERMS = {
    "en": "**Fees.** Stripe keeps about 1.4% and 20p of a gift; all the rest is passed on.\n\n"
    "**Surplus.** What comes in beyond the target goes to the same charities.\n\n"
    "**Refunds and complaints.** Write to help@example.org within 14 days and you get it all back.",
    "uk": "**Комісія.** Stripe утримує близько 1,4% і 20 пенсів; решту передаємо.\n\n"
    "**Надлишок.** Усе понад ціль отримують ті самі організації.\n\n"
    "**Повернення та скарги.** Напишіть на help@example.org протягом 14 днів.",
}
CHARITIES = (
    Beneficiary("British Red Cross", "220949", "https://example.org/brc"),
    Beneficiary("Save the Children", "213890"),
)
TALLY = Tally(
    count=265_826,
    goal=300_000,
    next_milestone=275_000,
    carried_over=CarriedOver(
        100_412,
        Text("more were gathered on another platform until 3 March 2022. They are not verified here."),
    ),
)
TAKINGS = Takings(raised=Money(14_532_050, "GBP"), target=Money(10_000_000, "GBP"))
SUGGESTIONS = (Money(1000, "GBP"), Money(2500, "GBP"), Money(5000, "GBP"))
WRONG = (
    FieldError("name", "text_missing"),
    FieldError("email", "email_invalid"),
    FieldError("country", "country_unknown"),
    FieldError("postcode", "postcode_invalid"),
    FieldError("consent", "consent_missing"),
    FieldError("", "consent_unknown"),
)


def every_page(locale: str) -> dict[str, View]:
    """All pages by a name for each, in one language."""
    makers = (_public, _signing, _own, _giving, _errors)
    return {name: view for make in makers for name, view in make(locale).items()}


def _page(locale: str, path: str, *, private: bool = False, answer: bool = False) -> Page:
    return Page(
        path=path,
        base_url="https://haven.test",
        locale=locale,
        chosen_locale=locale,
        placement="mariupol-report",
        languages=() if answer else ("en", "uk", "ar"),
        publisher="The Example",
        is_demo=path == "/",
        is_private=private,
    )


def _words(locale: str) -> Callable[[Mapping[str, str]], Text]:
    return lambda translated: pick_text(translated, locale)


def _petition_card(locale: str, *, is_open: bool = True) -> PetitionCard:
    t = _words(locale)
    return PetitionCard(
        slug="open-the-door", title=t(PETITION), target=t(TARGET), tally=TALLY, is_open=is_open
    )


def _appeal_card(locale: str) -> AppealCard:
    t = _words(locale)
    return AppealCard(slug="on-the-way", title=t(APPEAL), summary=t(CAMPAIGN_SUMMARY), takings=TAKINGS)


def _give(*, errors: tuple[FieldError, ...] = (), chosen: Money | None = None, other: str = "") -> GiveForm:
    return GiveForm(
        slug="on-the-way",
        currency="GBP",
        suggestions=SUGGESTIONS,
        minimum=Money(200, "GBP"),
        maximum=Money(1_000_000, "GBP"),
        currencies=("GBP", "EUR", "USD"),
        chosen=chosen,
        other_amount=other,
        email="olena@example.org",
        name="Олена Коваль",
        terms_version=3,
        errors=errors,
    )


def _public(locale: str) -> dict[str, View]:
    t = _words(locale)
    card = CampaignCard(
        slug="refugees-welcome",
        title=t(CAMPAIGN),
        summary=t(CAMPAIGN_SUMMARY),
        signatures=265_826,
        raised=TAKINGS.raised,
    )
    plain = CampaignCard(slug="warm-rooms", title=Text("Warm rooms"), summary=Text("Open where it is cold."))
    campaign = CampaignView(
        page=_page(locale, "/campaigns/refugees-welcome"),
        slug="refugees-welcome",
        title=t(CAMPAIGN),
        summary=t(CAMPAIGN_SUMMARY),
        story=t(STORY),
        petitions=(_petition_card(locale),),
        appeals=(_appeal_card(locale),),
    )
    embed = EmbedView(
        page=_page(locale, "/embed/refugees-welcome"),
        slug="refugees-welcome",
        title=t(CAMPAIGN),
        petition=_petition_card(locale),
        appeal=_appeal_card(locale),
    )
    return {
        "home": HomeView(page=_page(locale, "/"), campaigns=(card, plain)),
        "home-empty": HomeView(page=_page(locale, "/"), campaigns=()),
        "campaign": campaign,
        "embed": embed,
    }


def _petition(locale: str, form: SignForm | None, *, closed_on: date | None = None) -> PetitionView:
    t = _words(locale)
    return PetitionView(
        page=_page(locale, "/petitions/open-the-door"),
        slug="open-the-door",
        title=t(PETITION),
        summary=t(CAMPAIGN_SUMMARY),
        body=t(STORY),
        target=t(TARGET),
        asks=tuple(t(ask) for ask in ASKS),
        tally=TALLY,
        campaign_slug="refugees-welcome",
        campaign_title=t(CAMPAIGN),
        consent=Wording(2, t(CONSENT)),
        updates=Wording(1, t(UPDATES)),
        form=form,
        corrections=(Correction(Text("The first version gave the wrong year."), date(2022, 3, 3)),),
        invalidated=(("bot", 1204), ("legal", 3), ("of_later", 1)),
        likely_countries=("GB", "UA", "PL", "IE"),
        closed_on=closed_on,
    )


def _signing(locale: str) -> dict[str, View]:
    t = _words(locale)
    typed = SignForm(
        name="Олена <b>Коваль</b>",
        email="olena.koval@gmial.com",
        country="UA",
        postcode="SW1",
        updates="no",
        form_token="f0rm",
    )
    wrong = SignForm(name="", email="olena@", country="", postcode="SW1", errors=WRONG)

    def inbox(*, suggestion: str | None = None, is_repeat: bool = False) -> InboxView:
        return InboxView(
            page=_page(locale, "/petitions/open-the-door", private=True, answer=True),
            slug="open-the-door",
            form=typed,
            consent_version=2,
            updates_version=1,
            suggestion=suggestion,
            is_repeat=is_repeat,
        )

    return {
        "petition": _petition(locale, SignForm()),
        "petition-errors": _petition(locale, wrong),
        "petition-closed": _petition(locale, None, closed_on=date(2022, 9, 1)),
        "inbox": inbox(suggestion="olena.koval@gmail.com"),
        "inbox-repeat": inbox(is_repeat=True),
        "confirm": ConfirmView(
            page=_page(locale, f"/confirm/{TOKEN}", private=True),
            token=TOKEN,
            state="ready",
            petition_slug="open-the-door",
            petition_title=t(PETITION),
        ),
        "confirm-expired": ConfirmView(
            page=_page(locale, f"/confirm/{TOKEN}", private=True),
            token=TOKEN,
            state="expired",
            petition_slug="open-the-door",
        ),
        "confirm-withdrawn": ConfirmView(
            page=_page(locale, f"/confirm/{TOKEN}", private=True), token=TOKEN, state="withdrawn"
        ),
        "confirm-unknown": ConfirmView(
            page=_page(locale, f"/confirm/{TOKEN}", private=True), token=TOKEN, state="unknown"
        ),
        "confirmed": ConfirmedView(
            page=_page(locale, f"/confirm/{TOKEN}", private=True),
            token=TOKEN,
            petition_slug="open-the-door",
            petition_title=t(PETITION),
            tally=TALLY,
            show=ShowForm(),
            give=_give(),
        ),
    }


def _own(locale: str) -> dict[str, View]:
    t = _words(locale)
    mine = MyView(
        page=_page(locale, f"/my/{TOKEN}", private=True),
        token=TOKEN,
        petition_slug="open-the-door",
        petition_title=t(PETITION),
        email="olena.koval@example.org",
        country="UA",
        signed_at=AT,
        confirmed_at=AT,
        text_version=1,
        wants_updates=True,
        details=DetailsForm(
            name="Олена Коваль", postcode="SW1", errors=(FieldError("postcode", "postcode_invalid"),)
        ),
        show=ShowForm(show_name=True, shown_name="Олена", comment="Бо там моя сестра."),
        consents=(
            ConsentRecord("signature", given=True, wording=t(CONSENT), given_at=AT),
            ConsentRecord("updates", given=False, wording=t(UPDATES), given_at=AT),
        ),
        comment_state="waiting",
        saved="showing",
    )

    def withdraw(*, is_done: bool) -> WithdrawView:
        return WithdrawView(
            page=_page(locale, f"/my/{TOKEN}/withdraw", private=True),
            token=TOKEN,
            petition_slug="open-the-door",
            petition_title=t(PETITION),
            is_done=is_done,
        )

    return {"my": mine, "withdraw": withdraw(is_done=False), "withdrawn": withdraw(is_done=True)}


def _appeal(locale: str, form: GiveForm | None, *, closed_on: date | None = None) -> AppealView:
    t = _words(locale)
    return AppealView(
        page=_page(locale, "/appeals/on-the-way"),
        slug="on-the-way",
        title=t(APPEAL),
        summary=t(CAMPAIGN_SUMMARY),
        body=t(STORY),
        campaign_slug="refugees-welcome",
        campaign_title=t(CAMPAIGN),
        takings=TAKINGS,
        beneficiaries=CHARITIES,
        terms=Wording(3, t(TERMS)),
        form=form,
        closed_on=closed_on,
    )


def _giving(locale: str) -> dict[str, View]:
    t = _words(locale)
    too_small = FieldError("amount", "amount_too_small", Money(200, "GBP"))

    def donation(state: DonationState) -> DonationView:
        failed = state in {"cancelled", "declined", "expired", "not_opened"}
        return DonationView(
            page=_page(locale, f"/donations/{TOKEN}", private=True),
            token=TOKEN,
            state=state,
            appeal_slug="on-the-way",
            appeal_title=t(APPEAL),
            amount=SUGGESTIONS[1],
            reference="HVN-7QK2-94",
            beneficiaries=CHARITIES,
            terms=Wording(3, t(TERMS)),
            campaign_slug="refugees-welcome",
            contact_email="help@example.org",
            donated_at=AT,
            refunded=Money(500, "GBP") if state == "refunded" else None,
            form=_give(chosen=SUGGESTIONS[1]) if failed else None,
        )

    states: tuple[DonationState, ...] = (
        "checking",
        "succeeded",
        "refunded",
        "disputed",
        "dispute_lost",
        "cancelled",
        "declined",
        "expired",
        "not_opened",
        "unknown",
    )
    review = ReviewView(
        page=_page(locale, "/appeals/on-the-way", private=True, answer=True),
        slug="on-the-way",
        title=t(APPEAL),
        beneficiaries=CHARITIES,
        terms=Wording(3, t(TERMS)),
        amount=SUGGESTIONS[1],
        form=_give(chosen=SUGGESTIONS[1]),
    )
    return {
        "appeal": _appeal(locale, _give()),
        "appeal-errors": _appeal(locale, _give(errors=(too_small,), chosen=Money(150, "GBP"))),
        "appeal-chosen": _appeal(locale, _give(chosen=SUGGESTIONS[1])),
        "appeal-closed": _appeal(locale, None, closed_on=date(2022, 9, 1)),
        "review": review,
        **{f"donation-{state}": donation(state) for state in states},
    }


def _errors(locale: str) -> dict[str, View]:
    return {
        f"error-{status}": ErrorView(
            page=_page(locale, "/nowhere"),
            status=status,
            code="overloaded" if status == 503 else "not_found",
            request_id="01J9Z3V6QK7W",
            retry_after=30 if status in {429, 503} else None,
        )
        for status in (400, 404, 410, 413, 422, 429, 500, 503)
    }
