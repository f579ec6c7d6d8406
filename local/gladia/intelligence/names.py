"""Names of people and places that are known by a list: short ones, of what is said in the calls of a demonstration."""

from typing import Final

# Without those that are words as well: Will, Mark, Grace, May.
_GIVEN = """
Aaron Adam Ahmed Alan Alex Alexander Alice Amanda Amy Ana Andrea Andrew Angela Anita Anna Anne Anthony Barbara
Benjamin Brian Camille Carl Carla Carlos Carmen Caroline Catherine Charles Charlotte Chloe Christina Christine
Christopher Claire Clara Daniel David Deborah Diana Diego Dmitri Donna Dorothy Edward Elena Eleanor Elizabeth Emily
Emma Eric Erica Ethan Eva Fatima Felix Fiona Francesca Francis Gabriel George Giovanni Giulia Gregory Hannah Hans
Harry Heather Helen Henry Hugo Ian Ingrid Isabel Isabella Ivan Jack Jacob James Jane Janet Jason Javier Jennifer
Jeremy Jessica Joan Johanna John Jonathan Jorge Joseph Juan Julia Julie Karen Katharina Katherine Kevin Kimberly Laura
Lauren Lea Leo Linda Lisa Louis Louise Lucas Lucia Lucy Luis Maria Marie Martin Mary Matthew Maya Megan Melissa
Michael Michelle Miguel Mohammed Nadia Nancy Natalie Nathan Nicholas Nicole Nina Noah Nora Oliver Olivia Omar Oscar
Pablo Pamela Patricia Patrick Paul Paula Pedro Peter Philip Pierre Priya Rachel Rebecca Richard Robert Roger Ruth Ryan
Samantha Samuel Sandra Sara Sarah Scott Sebastian Sharon Simon Sofia Sophia Sophie Stefan Stephanie Stephen Steven
Susan Teresa Theresa Thomas Timothy Tobias Victor Victoria Vincent Walter William Yasmin Yusuf Zoe
"""
_OTHER = """
A An And But Can Could From How I It My No Not Of Okay Oh Or So That The Then This We What Yes You American Australian
Austrian British Canadian Chinese Dutch English French German Indian Irish Italian Japanese Mexican Polish Scottish
Spanish Swedish Swiss Turkish
"""
GIVEN_NAMES: Final = frozenset(_GIVEN.split())

CITIES: Final = (
    "Amsterdam", "Athens", "Atlanta", "Austin", "Barcelona", "Berlin", "Birmingham", "Boston", "Brussels", "Chicago",
    "Copenhagen", "Dallas", "Denver", "Dublin", "Edinburgh", "Frankfurt", "Geneva", "Glasgow", "Hamburg", "Helsinki",
    "Houston", "Lisbon", "London", "Los Angeles", "Lyon", "Madrid", "Manchester", "Melbourne", "Miami", "Milan",
    "Montreal", "Munich", "New York", "Oslo", "Paris", "Philadelphia", "Portland", "Prague", "Rome", "San Diego",
    "San Francisco", "Seattle", "Singapore", "Stockholm", "Sydney", "Tokyo", "Toronto", "Vancouver", "Vienna", "Warsaw",
    "Zurich",
)  # fmt: skip

COUNTRIES: Final = (
    "Argentina", "Australia", "Austria", "Belgium", "Brazil", "Canada", "China", "Denmark", "England", "Finland",
    "France", "Germany", "Greece", "India", "Ireland", "Israel", "Italy", "Japan", "Mexico", "Morocco", "Netherlands",
    "New Zealand", "Norway", "Poland", "Portugal", "Scotland", "South Africa", "Spain", "Sweden", "Switzerland",
    "Ukraine", "United Kingdom", "United States",
)  # fmt: skip

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

# Written large where a name could stand, and none.
NO_NAMES: Final = frozenset({*WEEKDAYS, *MONTHS, *" ".join((*CITIES, *COUNTRIES)).split(), *_OTHER.split()})
