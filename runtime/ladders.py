"""Could a breached case be left without a listener? Asked once, before worker or watchdog begins."""

from collections.abc import Collection, Iterator

from gateways.policy_folder import PolicyFolder
from models.errors import Misconfigured
from models.policy import CityPolicy
from models.roles import Act, Officer, People
from runtime import adapters
from runtime.adapters import Ways
from runtime.settings import PREFIX, Settings


def require_listeners(settings: Settings) -> Ways | None:
    """Return how alerts leave this process, for a process that begins. Raises Misconfigured.

    None when no way is set up at all, as on a local stack: `doctor` warns of that.
    """
    shelf = PolicyFolder(settings.policies_dir)
    check_ladders(shelf)
    ways = adapters.ways(settings)
    if ways is not None and ways.reach.contacts is not None:
        check_contacts(shelf, ways.reach.contacts)
    return ways


def check_ladders(shelf: PolicyFolder) -> None:
    """Raise Misconfigured, naming file, key and why, unless every alert reaches somebody.

    Each level's role needs a person in every kecamatan; the fallback and every deputy must serve the whole
    area that they stand in for.
    """
    people = shelf.people()
    shelf.alert_texts()
    faults = [
        f"{shelf.city_file(city.code)}: ladder.{fault}"
        for city in shelf.cities()
        for fault in _of_city(city, people, _kecamatan(shelf, city.code))
    ]
    faults += [f"{shelf.people_file}: {fault}" for fault in _of_deputies(shelf, people)]
    if faults:
        raise Misconfigured(f"policies: {'; '.join(faults)}")


def check_contacts(shelf: PolicyFolder, contacts: Collection[str]) -> None:
    """Raise Misconfigured unless somebody of each city's ladder has a contact, in every kecamatan.

    A level without any is no fault: what it cannot get climbs.
    """
    faults = []
    for city in shelf.cities():
        for area in _kecamatan(shelf, city.code):
            listeners = _listeners(city, shelf.people(), area)
            if listeners.isdisjoint(contacts):
                named = ", ".join(sorted(listeners))
                faults.append(f"{city.name}: nobody of the ladder in {area} has a contact: {named}")
                break
    if faults:
        raise Misconfigured(f"contacts: {'; '.join(faults)} (check {PREFIX}CONTACTS)")


def _listeners(city: CityPolicy, people: People, area: str) -> set[str]:
    """Return who hears of a late case of a kecamatan by the ladder."""
    roles = {level.role for level in city.ladder.levels}
    there = {one.id for one in people.person if one.roles & roles and one.serves_area(city.code, area)}
    return there | {city.ladder.fallback}


def unknown_contacts(shelf: PolicyFolder, contacts: Collection[str]) -> list[str]:
    """Return the contacts of nobody: a slip of the pen there leaves somebody without one."""
    return sorted(set(contacts) - {officer.id for officer in shelf.people().person})


def without_contact(shelf: PolicyFolder, contacts: Collection[str]) -> list[str]:
    """Return who of a ladder can be told, and has no contact: levels, fallbacks and deputies."""
    people = shelf.people()
    roles = {level.role for city in shelf.cities() for level in city.ladder.levels}
    told = {officer.id for officer in people.person if officer.roles & roles}
    told |= {city.ladder.fallback for city in shelf.cities()}
    told |= {officer.deputy for officer in people.person if officer.deputy is not None}
    return sorted(told - set(contacts))


def _of_city(city: CityPolicy, people: People, kecamatan: list[str]) -> Iterator[str]:
    fallback = people.find(city.ladder.fallback)
    if fallback is None:
        yield f"fallback: nobody has the id {city.ladder.fallback}"
    elif why := _unfit(fallback, city.code, kecamatan):
        yield f"fallback: {fallback.id} {why}"
    for at, level in enumerate(city.ladder.levels):
        there = [officer for officer in people.person if level.role in officer.roles]
        for area in kecamatan:
            if not any(officer.serves_area(city.code, area) for officer in there):
                yield f"levels.{at}.role: nobody is {level.role} in {area}"
                break


def _of_deputies(shelf: PolicyFolder, people: People) -> Iterator[str]:
    for at, officer in enumerate(people.person):
        deputy = None if officer.deputy is None else people.find(officer.deputy)
        if deputy is None:
            continue
        for code in sorted(officer.cities):
            areas = [area for area in _kecamatan(shelf, code) if officer.serves_area(code, area)]
            if why := _unfit(deputy, code, areas):
                yield f"person.{at}.deputy: {deputy.id} {why}"
                break


def _unfit(officer: Officer, city: str, kecamatan: list[str]) -> str | None:
    """Say why an officer cannot be told in place of others; None when he can."""
    if not officer.may(Act.ACK):
        return "has no role that may acknowledge an alert"
    missing = [area for area in kecamatan if not officer.serves_area(city, area)]
    return f"does not serve {missing[0]}" if missing else None


def _kecamatan(shelf: PolicyFolder, code: str) -> list[str]:
    prefix = f"{code[:2]}.{code[2:]}."
    return [area.name for key, area in sorted(shelf.regions().kecamatan.items()) if key.startswith(prefix)]
