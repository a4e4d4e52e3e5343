//! How a decline can reach the inviter.

use crate::domain::{Mail, Route};
use crate::rulebook::Network;
use crate::stages::gates::is_robot;

/// The route, the page to answer by hand, and why in words.
pub(super) fn route(
    mail: &Mail,
    network: &Network,
    guest: bool,
    profile: Option<&str>,
) -> (Route, String, String) {
    let page = profile.unwrap_or(&network.invitations_page).to_owned();
    let paste = |why: &str| (Route::Paste(page.clone()), page.clone(), why.to_owned());
    if guest {
        return match &mail.from.address {
            Some(from) if mail.reply_to.is_empty() => {
                (Route::Address(from.clone()), page, "From is the inviter's own address".to_owned())
            }
            _ => reply_to(mail, network, &page).unwrap_or_else(paste),
        };
    }
    if mail.reply_to.is_empty() {
        return paste("no Reply-To: no address reaches the inviter");
    }
    reply_to(mail, network, &page).unwrap_or_else(paste)
}

/// A Reply-To is not signed by the network (FORMATS section 4), so it counts
/// only where the network is known to have put a person's address there.
fn reply_to(mail: &Mail, network: &Network, page: &str) -> Result<(Route, String, String), &'static str> {
    let [only] = mail.reply_to.as_slice() else {
        return Err("more than one Reply-To address: none is believed");
    };
    let Some(address) = &only.address else {
        return Err("Reply-To is not a plain address: not believed");
    };
    if network.relays(address.domain()) {
        return Ok((
            Route::Relay(address.clone()),
            page.to_owned(),
            "Reply-To is the network's relay".to_owned(),
        ));
    }
    if network.owns(address.domain()) {
        return Err("Reply-To is the network's own address: it does not reach the inviter");
    }
    if is_robot(address.local()) {
        return Err("Reply-To is an address that nobody reads");
    }
    let late = match (network.person_reply_until, mail.date) {
        (Some(until), Some(date)) => date >= until,
        (Some(_), None) | (None, _) => true,
    };
    if late {
        return Err("Reply-To is a foreign address, which this network does not write today: not believed");
    }
    Ok((Route::Address(address.clone()), page.to_owned(), "Reply-To is the inviter's own address".to_owned()))
}
